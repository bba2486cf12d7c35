"""RFDN's unit: distillation by 1x1 convolutions beside shallow residual blocks."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from srbench.blocks.esa import SpatialAttention
from srbench.core.layers import Layers, numbered
from srbench.core.slots import Attention, unit


class ShallowResidual(nn.Module):
    """3x3 conv, + x, act."""

    def __init__(self, channels: int, rate: int, layers: Layers) -> None:
        super().__init__()
        self.conv, self.act = layers.conv(channels, channels, 3, rate=rate), layers.act()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.conv(x) + x)
        return y


@unit.register("residual_feature_distillation")
class ResidualFeatureDistillationUnit(nn.Module):
    """RFDN's block: shallow residual blocks, the input of each distilled; joined, then attention.

    Residual feature distillation block (RFDB): 1x1 convolutions to half the channels distil the
    inputs of the three shallow blocks (3x3 conv, + input, act), a 3x3 one the output of the last;
    all four are concatenated, a 1x1 convolution and the attention follow. As in the authors' code
    the unit does not add its input; it adds a shortcut only where it is given one. The rate
    dilates the 3x3 convolutions.

    attention  at the end of the unit

    Liu et al., Residual feature distillation network for lightweight image super-resolution, 2020.
    https://arxiv.org/abs/2009.11551; code: https://github.com/njulj/RFDN
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        attention: Attention = SpatialAttention,
    ) -> None:
        super().__init__()
        half = channels // 2
        if not half:
            raise ValueError("1 channel cannot be halved")

        def to_half(kernel: int) -> nn.Module:
            conv = layers.conv(channels, half, kernel, rate=rate if kernel > 1 else 1)
            return nn.Sequential(OrderedDict(conv=conv, act=layers.act()))

        self.distil = numbered("step", (to_half(1) for _ in range(3)))
        self.refine = numbered("step", (ShallowResidual(channels, rate, layers) for _ in range(3)))
        self.last = to_half(3)
        self.fuse = layers.conv(4 * half, channels, 1)
        self.attention = attention(channels)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        parts = []
        for distil, refine in zip(self.distil, self.refine, strict=True):
            parts.append(distil(x))
            x = refine(x)
        parts.append(self.last(x))
        y: Tensor = self.attention(self.fuse(torch.cat(parts, 1)))  # (N, C, H, W)
        return y if shortcut is None else y + shortcut
