"""The memory of a training is that of its steps: what validation holds does not count."""

from __future__ import annotations

import pytest
import torch

from srbench.run import worker
from srbench.run.worker import RunUnderWay


class Device:
    """Stands for `torch.cuda`, where what is held is told by hand."""

    def __init__(self) -> None:
        self.most = 0

    def max_memory_allocated(self, device: torch.device) -> int:
        return self.most

    def reset_peak_memory_stats(self, device: torch.device) -> None:
        self.most = 0


def run_on(device: str) -> RunUnderWay:
    run = object.__new__(RunUnderWay)
    run.device, run.peak = torch.device(device), 0
    return run


def test_validation_is_left_out_of_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, run = Device(), run_on("cuda")
    monkeypatch.setattr(worker.torch, "cuda", cuda)
    cuda.most = 3_000_000  # steps
    run._note_memory()
    cuda.most = 90_000_000  # whole images
    run._reset_memory()
    cuda.most = 2_000_000  # steps again
    assert run._peak_memory() == 3.0


def test_on_the_cpu_nothing_is_measured() -> None:
    assert run_on("cpu")._peak_memory() is None
