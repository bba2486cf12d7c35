"""Devices by name: those of one kind together, and one that does not work is said."""

from __future__ import annotations

import pytest
import torch

from srbench.machine.devices import choose_devices, device_name
from srbench.registry import StudyError
from srbench.terminal.checkup import checkup

BROKEN = "CUDA error: the driver is older than the runtime\nand more lines"


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Stands for the CUDA devices of a machine: what each is called."""
    found: dict[str, str] = {}

    def name(device: str) -> str:
        if device not in found:
            raise RuntimeError(BROKEN)
        return found[device]

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: max(len(found), 1))
    monkeypatch.setattr(torch.cuda, "get_device_name", name)
    return found


def test_only_devices_of_the_first_ones_kind_share_a_study(cuda: dict[str, str]) -> None:
    cuda |= {"cuda:0": "NVIDIA H100", "cuda:1": "NVIDIA A100", "cuda:2": "NVIDIA H100"}
    assert choose_devices("cuda", None) == ("cuda:0", "cuda:2")
    assert choose_devices("auto", 3) == ("cuda:0", "cuda:2", "cuda:0")
    assert choose_devices("cuda:1", None) == ("cuda:1",)


def test_a_device_that_is_there_and_does_not_work_is_said(cuda: dict[str, str]) -> None:
    with pytest.raises(StudyError, match="--device: cuda:0 cannot be used: CUDA error: the driver"):
        device_name("cuda:0")
    [check] = [one for one in checkup(None) if one.what == "cuda"]
    assert (check.ok, "and more lines" in check.found) == (False, False)
