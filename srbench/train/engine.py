"""How steps are taken: one call after another. Chosen by the device, beneath `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from srbench.train.learner import Learner


class Patches(Protocol):
    """Where training patches come from: a pure function of epoch and step."""

    @property
    def steps_per_epoch(self) -> int: ...

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """LR (N, h, w, 3) and HR (N, H, W, 3) patches, uint8."""


Take = Callable[[int, int], Tensor]
"""Take the step at (epoch, step within it), both from 0; its loss, on the device, unread."""


def engine(learner: Learner, patches: Patches, device: torch.device) -> Take:
    """The fastest way to take steps that the device allows."""
    return stepwise(learner, patches, device)


def stepwise(learner: Learner, patches: Patches, device: torch.device) -> Take:
    """Step by step: patches cut on the host, one call of the learner each."""

    def take(epoch: int, within: int) -> Tensor:
        lr, hr = (as_images(pixels, device) for pixels in patches.batch(epoch, within))
        return learner(lr, hr)

    return take


def as_images(pixels: np.ndarray, device: torch.device) -> Tensor:
    """uint8 pixels (N, H, W, 3) as float images (N, 3, H, W) in 0..1, channels last in memory."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float().div_(255)
