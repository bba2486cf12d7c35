"""EDSR's upsampler: pixel shuffle with no activation."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from srbench.blocks.upsamplers import factors
from srbench.core.layers import Layers
from srbench.core.slots import upsampler


@upsampler.register("linear_pixel_shuffle")
def linear_pixel_shuffle(channels: int, scale: int, layers: Layers) -> nn.Module:
    """conv to factor² times the channels, shuffle; once for each factor of 2, or once for 3.

    `pixel_shuffle` has an activation before each shuffle, as in CARN; EDSR has none.

    Lim et al., Enhanced deep residual networks for single image super-resolution, 2017.
    https://arxiv.org/abs/1707.02921
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for i, factor in enumerate(factors(scale), 1):
        stages[f"conv{i}"] = layers.conv(channels, channels * factor**2, 3)
        stages[f"shuffle{i}"] = nn.PixelShuffle(factor)
    return nn.Sequential(stages)
