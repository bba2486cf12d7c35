"""Units: (channels, rate, layers) -> module, (N, C, H, W) to the same shape.

A unit may be called with a second tensor, the *shortcut*, which it adds instead of its input.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import Tensor, nn

from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import unit


@unit.register("residual")
class ResidualUnit(nn.Module):
    """conv, act, conv, + shortcut, act; both convolutions dilated by the rate, or the first only.

    dilated  which convolutions the rate dilates

    Ahn et al., Fast, accurate, and lightweight super-resolution with cascading residual network,
    2018. https://arxiv.org/abs/1803.08664
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        dilated: Literal["both", "first"] = "both",
    ) -> None:
        super().__init__()
        second = rate if dilated == "both" else 1
        self.body = nn.Sequential(
            OrderedDict(
                conv1=layers.conv(channels, channels, 3, rate=rate),
                act=layers.act(),
                conv2=layers.conv(channels, channels, 3, rate=second),
            )
        )
        self.act = layers.act()

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y: Tensor = self.act(self.body(x) + (x if shortcut is None else shortcut))
        return y


@unit.register("efficient")
class EfficientUnit(nn.Module):
    """Grouped conv, act, grouped conv, act, 1x1 conv, + shortcut, act: CARN-M's unit.

    groups  of the two 3x3 convolutions

    Ahn et al., Fast, accurate, and lightweight super-resolution with cascading residual network,
    2018. https://arxiv.org/abs/1803.08664
    """

    def __init__(self, channels: int, rate: int, layers: Layers, *, groups: Positive = 4) -> None:
        super().__init__()
        if channels % groups:
            raise ValueError(f"{channels} channels do not divide into {groups} groups")
        self.body = nn.Sequential(
            OrderedDict(
                conv1=layers.conv(channels, channels, 3, rate=rate, groups=groups),
                act1=layers.act(),
                conv2=layers.conv(channels, channels, 3, rate=rate, groups=groups),
                act2=layers.act(),
                conv3=layers.conv(channels, channels, 1),
            )
        )
        self.act = layers.act()

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y: Tensor = self.act(self.body(x) + (x if shortcut is None else shortcut))
        return y
