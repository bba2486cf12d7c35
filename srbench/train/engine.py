"""How steps are taken, beneath `fit`: one call after another, or replayed as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
import torch
from torch import Tensor

from srbench.train import graphs
from srbench.train.ahead import CutAhead, Patches
from srbench.train.feeds import Feed, feed_of
from srbench.train.learner import Learner

Take = Callable[[int, int], Tensor]
"""Take the step at (epoch, step within it), both from 0; its loss, on the device, unread."""


def engine(learner: Learner, patches: Patches, device: torch.device) -> Take:
    """The fastest way to take steps that the device and the learner allow."""
    if device.type != "cuda":
        return stepwise(learner, patches, device)
    if graphs.holds(learner):
        return graphed(learner, patches, device, graphs.recorder(device))
    return stepwise(learner, CutAhead(patches), device)


def stepwise(learner: Learner, patches: Patches, device: torch.device) -> Take:
    """Step by step: patches cut on the host, one call of the learner each."""

    def take(epoch: int, within: int) -> Tensor:
        lr, hr = (as_images(pixels, device) for pixels in patches.batch(epoch, within))
        return learner(lr, hr)

    return take


def graphed(learner: Learner, patches: Patches, device: torch.device, hold: graphs.Hold) -> Take:
    """Whole steps, from cutting patches to the optimizer, held by `hold` and run again and again.

    With `hold` = `graphs.called` the very same code runs without graphs, on any device.
    """
    return fed(learner, feed_of(patches, device), patches.steps_per_epoch, device, hold)


def fed(
    learner: Learner, feed: Feed, per_epoch: int, device: torch.device, hold: graphs.Hold
) -> graphs.GraphRunner:
    """The same of any feed that has `per_epoch` batches in an epoch."""

    def step(kind: Hashable) -> Tensor:
        lr, hr = (images_of(pixels) for pixels in feed.batch(kind))
        return learner(lr, hr)

    return graphs.GraphRunner(step, feed, learner, device, per_epoch, hold)


def as_images(pixels: np.ndarray, device: torch.device) -> Tensor:
    """uint8 pixels (N, H, W, 3) as float images (N, 3, H, W) in 0..1, channels last in memory."""
    return images_of(torch.from_numpy(pixels).to(device))


def images_of(pixels: Tensor) -> Tensor:
    """The same of pixels that are on their device."""
    return pixels.permute(0, 3, 1, 2).float().div_(255)
