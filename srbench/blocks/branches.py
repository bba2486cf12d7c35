"""Units of the SuperResNet family: one convolution, and dilated ones side by side."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import unit


class ConvolutionUnit(nn.Module):
    """conv, act; a shortcut, where one is given, is added before the act."""

    def __init__(self, channels: int, rate: int, layers: Layers) -> None:
        super().__init__()
        self.conv, self.act = layers.conv(channels, channels, 3, rate=rate), layers.act()

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y = self.conv(x)
        z: Tensor = self.act(y if shortcut is None else y + shortcut)
        return z


@unit.register("convolution")
def convolution(channels: int, rate: int, layers: Layers) -> nn.Module:
    """One 3x3 convolution and its activation.

    Dong et al., Image super-resolution using deep convolutional networks, 2016.
    https://arxiv.org/abs/1501.00092
    """
    return ConvolutionUnit(channels, rate, layers)


@unit.register("dilated_branches")
class DilatedBranches(nn.Module):
    """3x3 convolutions at several rates side by side, joined by a 1x1 convolution.

    Each branch has its activation. The exercise that this comes from does not give the kernel of
    the join; 1x1 is ours.

    rates  dilation of each branch

    Practical deep learning workshop 4; after Chen et al., Rethinking atrous convolution for
    semantic image segmentation, 2017. https://arxiv.org/abs/1706.05587
    """

    def __init__(
        self, channels: int, rate: int, layers: Layers, *, rates: tuple[Positive, ...] = (1, 2, 4)
    ) -> None:
        super().__init__()
        if not rates:
            raise ValueError("dilated_branches.rates is empty; one branch needs one rate")
        self.branches = nn.ModuleDict(
            OrderedDict(
                (f"rate_{i}", layers.conv(channels, channels, 3, rate=rate * own))
                for i, own in enumerate(rates, 1)
            )
        )
        self.join = layers.conv(len(rates) * channels, channels, 1)
        self.act = layers.act()

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        seen = [self.act(branch(x)) for branch in self.branches.values()]
        y = self.join(torch.cat(seen, 1))  # (N, rates * C, H, W) -> (N, C, H, W)
        z: Tensor = self.act(y if shortcut is None else y + shortcut)
        return z
