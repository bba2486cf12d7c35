"""Normalisations: (channels) -> module, (N, C, H, W) to the same shape."""

from __future__ import annotations

from torch import nn

from srbench.core.registry import Positive
from srbench.core.slots import normalisation


@normalisation.register("none")
class NoNormalisation(nn.Identity):
    """No normalisation, as in most networks for super-resolution since EDSR.

    Lim et al., Enhanced deep residual networks for single image super-resolution, 2017.
    https://arxiv.org/abs/1707.02921
    """

    def __init__(self, channels: int) -> None:
        super().__init__()


@normalisation.register("batch")
def batch(channels: int) -> nn.Module:
    """Mean and variance of the batch in training, their running means in scoring.

    Ioffe, Szegedy, Batch normalization, 2015. https://arxiv.org/abs/1502.03167
    """
    return nn.BatchNorm2d(channels)


@normalisation.register("group")
def group(channels: int, *, groups: Positive = 4) -> nn.Module:
    """Mean and variance of groups of an image's own channels.

    groups  number of groups

    Wu, He, Group normalization, 2018. https://arxiv.org/abs/1803.08494
    """
    if channels % groups:
        raise ValueError(f"group.groups {groups} does not divide {channels} channels")
    return nn.GroupNorm(groups, channels)
