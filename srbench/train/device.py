"""The device that a process trains on: made current, deterministic, tried out, cleared."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from srbench.core import resized
from srbench.train.graphs import stream_of

CUBLAS = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""Without it cuBLAS is not deterministic; read when a process first uses it."""


def settle(device: torch.device, threads: int) -> None:
    """Set this process up to train on a device, so that the same run gives the same bits.

    What torch does without naming a device is done there from now on, on one stream.
    """
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.cuda.set_stream(stream_of(device))
        _be_deterministic(True)


@contextmanager
def settled(device: torch.device) -> Iterator[None]:
    """As after `settle`, for a while: for steps that are timed as they are trained."""
    if device.type != "cuda":
        yield
        return
    os.environ.update(CUBLAS)
    with torch.cuda.device(device), torch.cuda.stream(stream_of(device)):
        _be_deterministic(True)
        try:
            yield
        finally:
            _be_deterministic(False)


def touch(device: torch.device) -> None:
    """Compute something small on a device.

    Raises:
        RuntimeError: it does not work.
    """
    torch.ones(1, device=device).add_(1)
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def clear(device: torch.device) -> None:
    """Free what no run needs, so that a run's memory does not depend on those before it."""
    if device.type == "cuda":
        gc.collect()
        resized.release()
        clear_workspaces: Any = torch._C._cuda_clearCublasWorkspaces
        clear_workspaces()
        torch.cuda.empty_cache()


def _be_deterministic(wanted: bool) -> None:
    torch.use_deterministic_algorithms(wanted, warn_only=True)
    torch.backends.cudnn.benchmark = False
    deterministic: Any = torch.utils.deterministic  # its switch has no type
    deterministic.fill_uninitialized_memory = not wanted  # a kernel less for every new tensor
