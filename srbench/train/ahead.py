"""Batches cut ahead of the steps that take them, in threads, while a device is busy.

For patches that only the host can make (noise, JPEG, jitter): one batch takes 12 to 14 ms there.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch

Pair = tuple[np.ndarray, np.ndarray]


class Patches(Protocol):
    """Where training patches come from: a pure function of epoch and step, which threads share."""

    @property
    def steps_per_epoch(self) -> int: ...

    def batch(self, epoch: int, step: int) -> Pair:
        """LR (N, h, w, 3) and HR (N, H, W, 3) patches, uint8."""


def threads_a_device() -> int:
    """How many threads cut for one device: its share of the cores, at most 8."""
    return max(1, min(8, len(os.sched_getaffinity(0)) // max(1, torch.cuda.device_count())))


class CutAhead:
    """The same batches as those of `patches`; the next few are being cut meanwhile."""

    def __init__(self, patches: Patches, threads: int | None = None) -> None:
        self.patches = patches
        self.threads = threads or threads_a_device()
        self.pool = ThreadPoolExecutor(self.threads, "patches")
        self.cut: dict[int, Future[Pair]] = {}  # by step, counted from the first epoch

    @property
    def steps_per_epoch(self) -> int:
        return self.patches.steps_per_epoch

    def batch(self, epoch: int, step: int) -> Pair:
        now = epoch * self.steps_per_epoch + step
        wanted = range(now, now + 1 + self.threads)
        for late in [number for number in self.cut if number not in wanted]:
            self.cut.pop(late).cancel()
        for number in wanted:
            if number not in self.cut:
                place = divmod(number, self.steps_per_epoch)
                self.cut[number] = self.pool.submit(self.patches.batch, *place)
        return self.cut.pop(now).result()
