"""What torch itself says of devices becomes lines of ours, and asking opens no context.

Slow: every test starts processes that import torch, a minute in all.
"""

from __future__ import annotations

import subprocess
import sys
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


def test_cuda_on_an_old_driver_is_one_line_with_the_reason(tmp_path: Path) -> None:
    done = srbench(tiny.lay_out(tmp_path), "plan", "tiny.yaml", "--device", "cuda", old=1)
    line = f"srbench: error: --device: 'cuda' cannot be used: {OLD}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


def test_auto_on_an_old_driver_says_once_that_it_takes_the_cpu(tmp_path: Path) -> None:
    done = srbench(tiny.lay_out(tmp_path), "plan", "tiny.yaml", "--json", old=1)
    assert done.stderr == f"srbench: --device auto uses the CPU: {OLD}\n"
    assert done.returncode == 0


def test_the_cpu_on_an_old_driver_needs_no_word(tmp_path: Path) -> None:
    done = srbench(tiny.lay_out(tmp_path), "plan", "tiny.yaml", "--device", "cpu", old=1)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_driver_without_devices_is_named(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path)
    done = srbench(folder, "plan", "tiny.yaml", "--device", "cuda:0", devices=0)
    said = "srbench: error: --device: 'cuda:0' cannot be used: the NVIDIA driver finds no GPU\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_the_doctor_names_devices_and_what_is_wrong(tmp_path: Path) -> None:
    done = srbench(tmp_path, "doctor", "--json", devices=2)
    assert "cuda:0 NVIDIA H100 80GB HBM3, cuda:1 NVIDIA H100" in done.stdout
    assert "cudnn 9." in done.stdout
    done = srbench(tmp_path, "doctor", "--json", old=1)
    assert (done.returncode, OLD in done.stdout, done.stderr) == (1, True, "")


ASKING = """
from srbench.core.devices import choose_devices, cuda_versions, device_name
from srbench.core.device_locks import SharedLock
from srbench.cli.checkup import checkup
chosen = choose_devices("cuda", None)
print(chosen, device_name("cuda:1"), cuda_versions("cuda:1"))
with SharedLock(chosen):
    checkup(None)
"""


def test_asking_and_locking_open_no_context(tmp_path: Path) -> None:
    done = standin.run("-c", ASKING, devices=2, folder=tmp_path, verbose=1)
    assert done.stdout.startswith("('cuda:0', 'cuda:1') NVIDIA H100")
    assert (done.returncode, "context" in done.stderr) == (0, False)


def test_only_workers_open_a_context_during_a_run(tmp_path: Path) -> None:
    """Values on the stand-in are garbage, so runs may fail: which process computes is the claim."""
    command = [sys.executable, "-m", "srbench", "run", "tiny.yaml", "--device", "cuda:0"]
    process = subprocess.Popen(
        command,
        cwd=tiny.lay_out(tmp_path),
        env=standin.environment(verbose=1),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = process.communicate(timeout=300)[1]
    assert "context on device 0" in said
    assert f"pid {process.pid} context" not in said
