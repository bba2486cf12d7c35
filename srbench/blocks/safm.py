"""Spatially-adaptive feature modulation: values multiplied by features seen at several sizes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate

from srbench.blocks.convolutions import plain
from srbench.blocks.pooling import adaptive_max_pool
from srbench.core.registry import Positive
from srbench.core.slots import attention


@attention.register("safm")
class FeatureModulation(nn.Module):
    """SAFM: groups of channels, each pooled to another size, convolved, enlarged; mixed, gelu.

    Group i is pooled by maxima to 1/2^i of height and width (one pixel at the least), convolved by
    a 3x3 depthwise convolution and enlarged by repeating pixels; a 1x1 convolution mixes the
    groups, and its GELU multiplies the input. Channels that do not divide by the levels make groups
    that differ by one.

    levels  groups, each pooled to half the size of the one before

    Sun et al., Spatially-adaptive feature modulation for efficient image super-resolution, 2023.
    https://arxiv.org/abs/2302.13800
    """

    def __init__(self, channels: int, *, levels: Positive = 4) -> None:
        super().__init__()
        if channels < levels:
            raise ValueError(f"safm.levels {levels} is more than {channels} channels")
        self.levels = levels
        groups = [len(g) for g in torch.arange(channels).tensor_split(levels)]
        self.modulate = nn.ModuleDict(
            {f"level_{i}": plain(size, size, 3, 1, size) for i, size in enumerate(groups)}
        )
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        seen = []
        parts = x.tensor_split(self.levels, 1)
        for i, (part, conv) in enumerate(zip(parts, self.modulate.values(), strict=True)):
            if i:
                part = adaptive_max_pool(part, max(height >> i, 1), max(width >> i, 1))
            seen.append(interpolate(conv(part), (height, width)) if i else conv(part))
        return x * gelu(self.mix(torch.cat(seen, 1)))
