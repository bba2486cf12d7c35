"""EDSR's unit: two convolutions, an attention if wanted, and a shortcut."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from srbench.blocks.attentions import NoAttention
from srbench.core.layers import Layers
from srbench.core.slots import Attention, unit


@unit.register("edsr")
class EDSRUnit(nn.Module):
    """EDSR's residual block: conv, act, conv, attention, + shortcut, no activation after the sum.

    The branch is multiplied by `residual_scale` before the sum. The rate dilates both convolutions.

    attention       at the end of the residual branch, where RCAN has its own; none in EDSR
    residual_scale  factor of the residual branch: 1 in EDSR-M, 0.1 in the large EDSR

    Lim et al., Enhanced deep residual networks for single image super-resolution, 2017.
    https://arxiv.org/abs/1707.02921
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        attention: Attention = NoAttention,
        residual_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            OrderedDict(
                conv1=layers.conv(channels, channels, 3, rate=rate),
                act=layers.act(),
                conv2=layers.conv(channels, channels, 3, rate=rate),
            )
        )
        self.attention = attention(channels)
        self.residual_scale = residual_scale

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y: Tensor = self.attention(self.body(x))
        if self.residual_scale != 1:
            y = y * self.residual_scale
        return y + (x if shortcut is None else shortcut)
