"""What torch itself says of devices becomes lines of ours, and asking opens no context.

Slow: every test starts processes that import torch, a minute in all.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import standin
import tiny

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fakecuda")]

OLD = (
    "the NVIDIA driver is too old (it supports CUDA 12.4; this torch was built for CUDA 13.0); "
    "update the driver, or install a torch built for an older CUDA"
)


def srbench(
    folder: Path, *arguments: str, devices: int = 1, **options: int
) -> subprocess.CompletedProcess[str]:
    return standin.run("-m", "srbench", *arguments, devices=devices, folder=folder, **options)


@pytest.mark.parametrize(
    ("asked", "options", "code", "said"),
    [
        ("cuda", {"old": 1}, 2, f"error: --device: 'cuda' cannot be used: {OLD}\n"),
        ("auto", {"old": 1}, 0, f"--device auto uses the CPU: {OLD}\n"),
        ("cpu", {"old": 1}, 0, ""),
        ("cuda:0", {"devices": 0}, 2,
         "error: --device: 'cuda:0' cannot be used: the NVIDIA driver finds no GPU\n"),
    ],
)  # fmt: skip
def test_why_a_device_cannot_be_used_is_one_line(
    tmp_path: Path, asked: str, options: dict[str, int], code: int, said: str
) -> None:
    folder = tiny.lay_out(tmp_path)
    done = srbench(folder, "plan", "tiny.yaml", "--json", "--device", asked, **options)
    assert (done.returncode, done.stderr.removeprefix("srbench: ")) == (code, said)


def test_the_doctor_names_devices_and_what_is_wrong(tmp_path: Path) -> None:
    done = srbench(tmp_path, "doctor", "--json", devices=2)
    assert "cuda:0 NVIDIA H100 80GB HBM3, cuda:1 NVIDIA H100" in done.stdout
    assert "cudnn 9." in done.stdout
    done = srbench(tmp_path, "doctor", "--json", old=1)
    assert (done.returncode, OLD in done.stdout, done.stderr) == (1, True, "")


ASKING = """
from srbench.core.devices import choose_devices, device_versions, device_name
from srbench.core.device_locks import DeviceInUse, SharedLock, exclusive_lock
from srbench.cli.checkup import checkup
chosen = choose_devices("cuda", None)
print(chosen, device_name("cuda:1"), device_versions("cuda:1"))
with SharedLock(chosen[:1]):
    checkup(None)
    with exclusive_lock("cuda:1"):
        print("cuda:1 is free")
    try:
        with exclusive_lock("cuda:0"):
            print("cuda:0 is free too")
    except DeviceInUse as error:
        print(error)
"""


def test_asking_and_locking_one_of_two_open_no_context(tmp_path: Path) -> None:
    done = standin.run("-c", ASKING, devices=2, folder=tmp_path, verbose=1)
    first, free, used = done.stdout.splitlines()
    assert first.startswith("('cuda:0', 'cuda:1') NVIDIA H100")
    assert (free, "trains or measures on cuda:0" in used) == ("cuda:1 is free", True)
    assert (done.returncode, "context" in done.stderr) == (0, False)


def test_only_workers_open_a_context_during_a_run(tmp_path: Path) -> None:
    """Values on the stand-in are garbage, so runs may fail: which process computes is the claim."""
    command = ("-m", "srbench", "run", "tiny.yaml", "--device", "cuda:0")
    process = standin.start(*command, folder=tiny.lay_out(tmp_path), verbose=1)
    said = process.communicate(timeout=300)[1]
    assert "context on device 0" in said
    assert f"pid {process.pid} context" not in said
