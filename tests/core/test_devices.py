"""Devices by name: those of one kind together, and one that cannot be used with its reason.

Milliseconds: torch's answers are written here; tests/fakecuda asks torch itself.
"""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from srbench.cli.checkup import Probe, checkup
from srbench.core import devices
from srbench.core.devices import (
    choose_device,
    choose_devices,
    cuda_devices,
    device_name,
    device_versions,
    driver,
)
from srbench.core.errors import UserError
from srbench.core.provenance import versions

Found = list[tuple[str, int, int] | None]
H100, A100, PASCAL = ("NVIDIA H100", 9, 0), ("NVIDIA A100", 8, 0), ("Tesla P100", 6, 0)
BROKEN = "CUDA error: the driver is older than the runtime\nand more lines"
OLD = "The NVIDIA driver on your system is too old (found version 12040). Please update"
NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU"
NO_GPU = "No CUDA GPUs are available"
NOT_READY = (
    "Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling "
    "NumCudaDevices() that might have already set an error? Error 802: system not yet initialized"
)
UNKNOWN = "CUDA unknown error - this may be due to an incorrectly set up environment"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without NVIDIA's driver and devices: a folder where a test adds them."""
    monkeypatch.setattr(devices, "DRIVER", tmp_path / "version")
    monkeypatch.setattr(devices, "NODES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Found:
    """The CUDA devices of a machine: name and compute capability, None for a broken one."""
    found: Found = []

    def properties(device: str | int) -> SimpleNamespace:
        one = found[int(str(device).removeprefix("cuda:"))]
        if one is None:
            raise RuntimeError(BROKEN)
        return SimpleNamespace(name=one[0], major=one[1], minor=one[2])

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(found))
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_90"])
    return found


def refuse(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Torch finds no CUDA device: it warns, and raises where it is made to start CUDA."""

    def unavailable() -> bool:
        warnings.warn(f"CUDA initialization: {said}", stacklevel=2)
        return False

    def init() -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", unavailable)
    monkeypatch.setattr(torch.cuda, "init", init)


def cuda_check() -> Probe:
    [check] = [one for one in checkup(None) if one.what == "cuda"]
    return check


def test_only_devices_of_the_first_ones_kind_share_a_study(cuda: Found) -> None:
    cuda += [H100, A100, H100]
    said: list[str] = []
    assert choose_devices("cuda", None, said.append) == ("cuda:0", "cuda:2")
    left_out = "cuda:1 (NVIDIA A100) is not used: a study runs on one kind, here NVIDIA H100"
    assert said == [left_out]
    assert choose_devices("cuda:1", None) == ("cuda:1",)


def test_workers_are_counted_per_gpu_and_on_the_cpu_in_all(cuda: Found) -> None:
    cuda += [H100, A100, H100]
    assert choose_devices("cpu", 3) == ("cpu",) * 3
    assert choose_devices("cuda:1", 3) == ("cuda:1",) * 3
    assert choose_devices("auto", 2) == ("cuda:0", "cuda:2", "cuda:0", "cuda:2")


def test_a_list_names_each_device_once_and_devices_of_one_kind(cuda: Found) -> None:
    cuda += [H100, A100, H100]
    assert choose_devices("cuda:2,0", None) == ("cuda:2", "cuda:0")
    with pytest.raises(UserError, match="'cuda:2,0,2' names cuda:2 twice; --workers 2 starts two"):
        choose_devices("cuda:2,0,2", None)
    with pytest.raises(UserError, match=r"'cuda:0,1' names several kinds \(cuda:0 NVIDIA H100, "):
        choose_devices("cuda:0,1", None)
    with pytest.raises(UserError, match=r"'cuda:7' is missing \(found: cuda:0, cuda:1, cuda:2"):
        choose_devices("cuda:0,7", None)


def test_a_command_that_uses_one_device_takes_the_first_and_refuses_a_list(cuda: Found) -> None:
    cuda += [H100, H100]
    assert choose_device("cuda") == "cuda:0"
    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(UserError, match="--device: 'cuda:0,1' names several devices; this comm"):
        choose_device("cuda:0,1")


@pytest.mark.parametrize("asked", ["tpu", "cuda:", "cuda:-1", "cuda:0,", "cpu:0", ""])
def test_what_is_no_device_is_unknown(asked: str) -> None:
    with pytest.raises(UserError, match=r"--device: '.*' is unknown.* \(known: auto, cpu, "):
        choose_devices(asked, None)


def test_a_device_that_does_not_answer_is_left_out_with_a_line(cuda: Found) -> None:
    cuda += [None, H100]
    said: list[str] = []
    why = "cuda:0 cannot be used: CUDA error: the driver is older than the runtime"
    assert choose_devices("cuda", None, said.append) == ("cuda:1",)
    assert said == [f"{why}; other devices are used"]
    with pytest.raises(UserError, match=f"--device: {why}"):
        choose_devices("cuda:0", None)
    check = cuda_check()
    assert (check.ok, "cuda:1 NVIDIA H100" in check.found) == (False, True)
    assert check.found.endswith(why)


def test_where_no_device_answers_the_error_has_the_reason(cuda: Found) -> None:
    cuda.append(None)
    said: list[str] = []
    with pytest.raises(UserError, match="'cuda' cannot be used: cuda:0 cannot be used: CUDA err"):
        choose_devices("cuda", None)
    with pytest.raises(UserError, match="--device: cuda:0 cannot be used: CUDA error: the driver"):
        device_name("cuda:0")
    assert choose_devices("auto", 1, said.append) == ("cpu",)
    assert len(said) == 1
    assert (cuda_check().ok, "and more lines" in cuda_check().found) == (False, False)


def test_a_device_that_torch_has_no_code_for_is_left_out(cuda: Found) -> None:
    cuda += [PASCAL, ("NVIDIA L40", 8, 9)]  # 8.9 runs what was built for 8.0
    assert choose_devices("auto", None) == ("cuda:1",)
    assert "Tesla P100 has compute capability 6.0, and" in cuda_devices().unusable["cuda:0"]


def test_code_in_ptx_runs_on_every_newer_device(
    cuda: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda += [("NVIDIA B200", 10, 0), A100]
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "compute_90a"])
    assert list(cuda_devices().names) == ["cuda:0"]


REASONS = {  # what torch said -> the line, and whether it shows that a GPU is expected
    OLD: (
        "the NVIDIA driver is too old (it supports CUDA 12.4; this torch was built for CUDA 13.0); "
        "update the driver, or install a torch built for an older CUDA",
        True,
    ),
    NOT_READY: ("CUDA does not start: error 802: system not yet initialized", True),
    NO_DRIVER: ("no NVIDIA driver is installed", False),
    NO_GPU: ("the NVIDIA driver finds no GPU", False),
    UNKNOWN: (f"CUDA does not start: {UNKNOWN}", False),
}


@pytest.mark.parametrize("told", REASONS)
def test_the_reason_why_cuda_cannot_be_used_is_one_line_and_no_warning(
    monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    refuse(monkeypatch, told)
    reason, expected = REASONS[told]
    for asked in ("cuda", "cuda:1"):
        with pytest.raises(UserError) as error:
            choose_devices(asked, None)
        assert str(error.value) == f"--device: '{asked}' cannot be used: {reason}"
    said: list[str] = []
    assert choose_devices("auto", 1, said.append) == ("cpu",)
    assert said == ([f"--device auto uses the CPU: {reason}"] if expected else [])
    assert cuda_check() == Probe(
        "cuda", f"{reason}; runs use the CPU, one worker a core", not expected
    )


@pytest.mark.parametrize("there", ["version", "nvidia0"])
def test_auto_names_its_reason_where_a_driver_or_a_gpu_is_there(
    machine: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    (machine / there).touch()
    said: list[str] = []
    for told in (NO_DRIVER, NO_GPU, UNKNOWN):
        refuse(monkeypatch, told)
        choose_devices("auto", 1, said.append)
    monkeypatch.setattr(torch.version, "cuda", None)
    choose_devices("auto", 1, said.append)
    (machine / there).unlink()
    assert cuda_check().ok  # no surprise where there is no GPU
    library, gpu, unknown, build = (s.removeprefix("--device auto uses the CPU: ") for s in said)
    assert library == "libcuda.so.1 of the NVIDIA driver is not found; a container needs --gpus all"
    assert gpu == "the NVIDIA driver finds no GPU"
    assert unknown.startswith("CUDA does not start: CUDA unknown error")
    assert build == f"this torch ({torch.__version__}) is built without CUDA"


@pytest.mark.parametrize(("visible", "wanted"), [("", False), ("-1", False), ("5", True)])
def test_hidden_devices_are_explained_and_no_surprise_where_all_are_hidden(
    machine: Path, monkeypatch: pytest.MonkeyPatch, visible: str, wanted: bool
) -> None:
    (machine / "version").touch()
    refuse(monkeypatch, NO_GPU)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = cuda_devices()
    assert found.problem == f"CUDA_VISIBLE_DEVICES='{visible}' leaves no GPU visible"
    assert found.expected == wanted


KERNEL = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build"


def test_the_drivers_version_is_the_kernels_or_else_nvidia_smis(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def smi(command: list[str], **options: object) -> SimpleNamespace:
        assert command[:2] == ["nvidia-smi", "--query-gpu=driver_version"]
        return SimpleNamespace(stdout="566.14\n566.14\n")

    monkeypatch.setenv("PATH", str(machine))
    assert driver("cuda:0") is None
    monkeypatch.setattr(subprocess, "run", smi)
    assert driver("cuda:0") == "566.14"
    (machine / "version").write_text(f"{KERNEL}\nGCC version:  gcc version 12.3.0\n")
    assert (driver("cuda:0"), driver("cpu")) == ("580.65.06", None)


def test_versions_of_cuda_and_cudnn_are_of_runs_on_a_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 92400)
    assert device_versions("cuda:0") == {"cuda": "13.0", "cudnn": "9.24.0"}
    assert device_versions("cpu").keys() == {"instructions"}


def test_torchs_version_names_its_build() -> None:
    assert versions()["torch"] == str(torch.__version__)
