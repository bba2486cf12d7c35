"""RLFN's unit: three convolutions in a row, no distillation, a light spatial attention."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

from torch import Tensor, nn

from srbench.blocks.esa import LightSpatialAttention
from srbench.core.layers import Layers
from srbench.core.registry import Range
from srbench.core.slots import Attention, unit


@unit.register("residual_local_feature")
class ResidualLocalFeatureUnit(nn.Module):
    """RLFN's block: three times conv, act; + shortcut, 1x1 conv, a light spatial attention.

    Residual local feature block (RLFB). The rate dilates the three 3x3 convolutions.

    middle     channels between the 3x3 convolutions; 0 for as many as outside
    attention  at the end of the unit, after the sum

    Kong et al., Residual local feature network for efficient super-resolution, 2022.
    https://arxiv.org/abs/2205.07514; code: https://github.com/bytedance/RLFN
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        middle: Annotated[int, Range(0)] = 0,
        attention: Attention = LightSpatialAttention,
    ) -> None:
        super().__init__()
        widths = (channels, middle or channels, middle or channels, channels)
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        for i in (1, 2, 3):
            stages[f"conv{i}"] = layers.conv(widths[i - 1], widths[i], 3, rate=rate)
            stages[f"act{i}"] = layers.act()
        self.body = nn.Sequential(stages)
        self.fuse = layers.conv(channels, channels, 1)
        self.attention = attention(channels)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y = self.body(x) + (x if shortcut is None else shortcut)
        weighed: Tensor = self.attention(self.fuse(y))
        return weighed
