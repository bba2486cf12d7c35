"""`srbench run` on several devices, on broken ones, and on ones with too little memory.

On the stand-in for CUDA: real processes, real captures, no GPU. Slow: every test runs a tiny study,
3 minutes of processor time in all, 6 where other work shares the cores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import standin
import tiny

from srbench.core.numbers import plural

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fakecuda")]

SHORT = tiny.STUDY.replace("seeds: 2", "seeds: 1")
LONG = tiny.STUDY.replace("epochs: 3", "epochs: 60")  # no worker is through before the other begins
ECC = "uncorrectable ECC error"
ASSERT = 710  # cudaErrorAssert

FAULTY = f'''\
"""A loss whose kernel meets a device-side assert while a file is there."""

import ctypes
from pathlib import Path

from srbench.core.slots import loss


@loss.register("faulty")
def faulty(*, times: int = 9):
    """L1 that breaks its device's context, in so many processes. Ours."""

    def failing(x, y):
        count = Path("met")
        met = len(count.read_text()) if count.exists() else 0
        if x.is_cuda and met < times:
            count.write_text("x" * (met + 1))
            ctypes.CDLL(None).fake_fail(x.device.index, {ASSERT})
        return (x - y).abs().mean()

    return failing
'''


@dataclass(frozen=True)
class Ran:
    """A command that has ended, and what the stand-in says of it."""

    code: int
    pid: int
    out: str
    err: str

    @property
    def contexts(self) -> list[tuple[int, int]]:
        """Process and device, in order of opening."""
        found = re.findall(r"pid (\d+) context on device (\d+)", self.err)
        return [(int(pid), int(device)) for pid, device in found]

    @property
    def captures(self) -> list[tuple[int, int]]:
        """Device and nodes of every capture that did not fail."""
        found = re.findall(r"end capture: (\d+) nodes on device (\d+)$", self.err, re.MULTILINE)
        return [(int(device), int(nodes)) for nodes, device in found]

    @property
    def said(self) -> list[str]:
        """Lines of srbench itself."""
        lines = (self.out + self.err).splitlines()
        return [line for line in lines if not line.startswith("[fakecuda]")]


def run(folder: Path, device: str, *more: str, paths: tuple[Path, ...] = (), **options: Any) -> Ran:
    """`srbench run` to its end; no traceback is ever right."""
    command = ("-m", "srbench", "run", "tiny.yaml", "--device", device, *more)
    process = standin.start(*command, folder=folder, paths=paths, verbose=1, **options)
    out, err = process.communicate(timeout=300)
    return Ran(process.returncode, process.pid, out, err)


def runs(folder: Path) -> list[tuple[Any, ...]]:
    """State, attempt and reason of each run, once."""
    return tiny.rows(folder, "select distinct state, attempt, reason from runs order by 1, 2, 3")


DONE = [("done", 1, None)]


@pytest.mark.parametrize(
    ("devices", "asked", "workers", "used"),
    [
        (2, "cuda", "1", [0, 1]),
        (4, "cuda:0,2", "1", [0, 2]),
        (2, "cuda", "2", [0, 0, 1, 1]),
        (2, "cuda:1", "1", [1]),
    ],
    ids=["two", "two of four", "two workers on each", "the second"],
)
def test_every_worker_keeps_to_its_device(
    tmp_path: Path, devices: int, asked: str, workers: str, used: list[int]
) -> None:
    folder = tiny.lay_out(tmp_path)
    ran = run(folder, asked, "--workers", workers, devices=devices)
    assert (ran.code, runs(folder)) == (0, DONE), ran.out + ran.err
    assert f"{plural(len(used), 'worker')} on NVIDIA H100" in ran.out
    opened = sorted(device for _, device in ran.contexts)
    assert opened == used if workers == "1" else set(opened) == set(used)  # one may find no run
    assert len({pid for pid, _ in ran.contexts} - {ran.pid}) == len(ran.contexts)
    assert len(ran.captures) == 4  # two variants, two seeds, batches of one size
    assert all(device in used and nodes > 0 for device, nodes in ran.captures)
    assert "not held" not in ran.err


def test_a_device_that_is_broken_from_the_start_is_named_and_left_out(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path, SHORT)
    ran = run(folder, "cuda", devices=2, broken=1)
    assert (ran.code, runs(folder)) == (0, DONE), ran.out + ran.err
    assert [line for line in ran.said if "cuda:1" in line and ECC in line]
    assert {device for _, device in ran.contexts} == {0}


@pytest.mark.parametrize("launch", [300, 1000], ids=["while warming up", "in a later step"])
def test_the_run_of_a_device_that_breaks_goes_to_another(tmp_path: Path, launch: int) -> None:
    folder = tiny.lay_out(tmp_path, LONG)
    broken = {"breaks": f"1:{launch}", "broken_file": tmp_path / "broken"}
    ran = run(folder, "cuda", devices=2, **broken)
    assert (tmp_path / "broken").read_text() == "1\n"
    assert (ran.code, runs(folder)) == (0, DONE), ran.out + ran.err
    # torch ends the process where it meets the error while it gives memory back
    ended = [line for line in ran.said if "cuda:1" in line and (ECC in line or "signal 6" in line)]
    assert ended, ran.out + ran.err
    assert "not held" not in ran.err


def test_runs_wait_where_no_device_is_left(tmp_path: Path) -> None:
    """And go on, as the same attempt, once there is one."""
    folder = tiny.lay_out(tmp_path, SHORT)
    ran = run(folder, "cuda", devices=1, breaks="0:800", broken_file=tmp_path / "broken")
    error = [line for line in ran.said if line.startswith("srbench: error:")]
    assert (ran.code, len(error), "Traceback" in ran.out + ran.err) == (1, 1, False)
    assert "cuda:0" in error[0]
    assert ECC in error[0]
    assert {state for state, *_ in runs(folder)} <= {"queued", "interrupted"}
    ran = run(folder, "cuda", devices=1)
    assert (ran.code, runs(folder)) == (0, DONE), ran.out + ran.err


def faulty(folder: Path, times: int) -> Path:
    """A study with one variant whose loss fails so many times; where its part is installed."""
    tiny.plug_in(folder, FAULTY)
    variant = f"  failing: {{train.loss: {{faulty: {{times: {times}}}}}}}\n"
    tiny.lay_out(folder, SHORT + variant)
    return folder / "plugin"


@pytest.mark.parametrize("devices", [1, 2])
def test_a_run_that_breaks_well_devices_is_failed_and_the_others_are_done(
    tmp_path: Path, devices: int
) -> None:
    ran = run(tmp_path, "cuda", devices=devices, paths=(faulty(tmp_path, 9),))
    ended = "select variant, state, attempt, reason from v_runs where total_steps > 0 order by 1"
    assert tiny.rows(tmp_path, ended) == [
        ("failing", "failed", 1, "error"),
        ("plain", "done", 1, None),
        ("residual", "done", 1, None),
    ], ran.out + ran.err
    assert ran.code == 1
    assert "device-side assert" in ran.out
    assert (tmp_path / "met").read_text() == "xx"


def test_a_run_that_meets_an_assert_once_is_done(tmp_path: Path) -> None:
    ran = run(tmp_path, "cuda", devices=1, paths=(faulty(tmp_path, 1),))
    assert (ran.code, runs(tmp_path)) == (0, DONE), ran.out + ran.err
    assert "device-side assert" in ran.out + ran.err


def test_with_an_old_driver_auto_trains_on_the_cpu_and_says_why(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path, SHORT)
    ran = run(folder, "auto", old=1)
    assert (ran.code, runs(folder)) == (0, DONE), ran.out + ran.err
    assert [line for line in ran.said if "uses the CPU" in line and "driver is too old" in line]
    assert ran.contexts == []


def test_too_little_memory_is_the_reason_of_each_run_that_needs_more(tmp_path: Path) -> None:
    """One worker goes on through all of them."""
    folder = tiny.lay_out(tmp_path, SHORT)
    ran = run(folder, "cuda", mem=30_000_000)
    trained = "select distinct state, attempt, reason from v_runs where total_steps > 0"
    assert tiny.rows(folder, trained) == [("failed", 1, "oom")], ran.out + ran.err
    assert (ran.code, len(ran.contexts)) == (1, 1)
    assert "Traceback" not in ran.out + ran.err


def test_without_memory_for_a_capture_steps_are_taken_without_one(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path, SHORT)
    ran = run(folder, "cuda", oom_capture=1)
    assert (ran.code, runs(folder)) == (0, DONE), ran.out + ran.err
    assert [line for line in ran.said if "not held by a CUDA graph" in line]
