"""NAFNet's unit: two residual branches whose only non-linearity is a product of two halves."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from srbench.blocks.channel_attentions import SimplifiedChannelAttention
from srbench.blocks.layer_norm import ChannelLayerNorm
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import Attention, Normalisation, unit


class SimpleGate(nn.Module):
    """The first half of the channels times the second: (N, C, H, W) to (N, C/2, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, 1)
        return first * second


class ChannelFactors(nn.Module):
    """Each channel times a learnt factor, 0 at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.factors)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factors


@unit.register("naf")
class NAFUnit(nn.Module):
    """NAFNet's block: two residual branches of 1x1 convolutions and gates, no activation.

    The first branch is norm, 1x1, depthwise 3x3, gate, attention, 1x1, added to the shortcut; the
    second is norm, 1x1, gate, 1x1, added to the sum. A gate multiplies two halves of the channels.
    Each branch ends with a learnt factor for each channel, 0 at first, so an untrained unit changes
    nothing. The rate dilates the depthwise convolution. Ours: no dropout, which the authors' code
    has at a rate of 0.

    expand         channels before a gate, for each of the unit's
    attention      after the first gate
    normalisation  at the beginning of each branch

    Chen et al., Simple baselines for image restoration, 2022. https://arxiv.org/abs/2204.04676
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        expand: Positive = 2,
        attention: Attention = SimplifiedChannelAttention,
        normalisation: Normalisation = ChannelLayerNorm,
    ) -> None:
        super().__init__()
        wide = expand * channels
        if wide % 2:
            raise ValueError(f"naf: {expand} times {channels} channels cannot be halved")
        self.mix = nn.Sequential(
            OrderedDict(
                norm=normalisation(channels),
                expand=layers.conv(channels, wide, 1),
                spatial=layers.conv(wide, wide, 3, rate=rate, groups=wide),
                gate=SimpleGate(),
                attention=attention(wide // 2),
                reduce=layers.conv(wide // 2, channels, 1),
                scale=ChannelFactors(channels),
            )
        )
        self.feed = nn.Sequential(
            OrderedDict(
                norm=normalisation(channels),
                expand=layers.conv(channels, wide, 1),
                gate=SimpleGate(),
                reduce=layers.conv(wide // 2, channels, 1),
                scale=ChannelFactors(channels),
            )
        )

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y = self.mix(x) + (x if shortcut is None else shortcut)
        z: Tensor = self.feed(y) + y
        return z
