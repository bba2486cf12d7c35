"""PAN's unit: two halves of the channels, one of them weighed by pixel attention."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from srbench.blocks.convolutions import without_bias
from srbench.core.layers import Layers
from srbench.core.slots import unit


class PixelAttentionConvolution(nn.Module):
    """conv3x3(conv3x3(x) * sigmoid(conv1x1(x))); only the 1x1 has a bias."""

    def __init__(self, channels: int, layers: Layers) -> None:
        super().__init__()
        self.weigh = layers.conv(channels, channels, 1)
        self.conv1 = without_bias(layers.conv(channels, channels, 3))
        self.conv2 = without_bias(layers.conv(channels, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(self.conv1(x) * self.weigh(x).sigmoid())
        return y


@unit.register("self_calibrated")
class SelfCalibratedUnit(nn.Module):
    """Self-calibrated block with pixel attention (SCPA): split, two paths, concatenate, + shortcut.

    The rate is that of the plain path. Convolutions have no bias but the attention's.

    Zhao et al., Efficient image super-resolution using pixel attention, 2020.
    https://arxiv.org/abs/2010.01073
    """

    def __init__(self, channels: int, rate: int, layers: Layers) -> None:
        super().__init__()
        if channels % 2:
            raise ValueError(f"{channels} channels cannot be halved")
        half = channels // 2

        def path(name: str, conv: nn.Module) -> nn.Module:
            split = without_bias(layers.conv(channels, half, 1))
            return nn.Sequential(
                OrderedDict([("split", split), ("act1", layers.act()), (name, conv),
                             ("act2", layers.act())])
            )  # fmt: skip

        self.plain = path("conv", without_bias(layers.conv(half, half, 3, rate=rate)))
        self.attended = path("attend", PixelAttentionConvolution(half, layers))
        self.merge = without_bias(layers.conv(2 * half, channels, 1))

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        both = torch.cat([self.plain(x), self.attended(x)], 1)  # (N, C, H, W)
        y: Tensor = self.merge(both) + (x if shortcut is None else shortcut)
        return y
