"""ShuffleMixer's unit: large depthwise kernels, and 1x1 convolutions of half of the channels."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn

from srbench.blocks.layer_norm import ChannelLayerNorm
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Normalisation, unit

NORM = partial(ChannelLayerNorm, epsilon=1e-5, learnt="factor")
EXTRA = 16  # channels between the two closing convolutions, beyond those of the unit


class SplitMixer(nn.Module):
    """norm; two 1x1 convolutions of the first half of the channels; a channel shuffle; + x."""

    def __init__(self, norm: nn.Module, mix: nn.Module, groups: int) -> None:
        super().__init__()
        self.norm, self.mix, self.groups = norm, mix, groups

    def forward(self, x: Tensor) -> Tensor:
        mixed, other = self.norm(x).chunk(2, 1)  # (N, C/2, H, W) each
        y = torch.cat([self.mix(mixed), other], 1)
        y = y.reshape(x.shape[0], self.groups, -1, *x.shape[2:]).transpose(1, 2)
        return y.reshape(x.shape) + x  # channel c of group g comes to place c * groups + g


@unit.register("shuffle_mixer")
class ShuffleMixerUnit(nn.Module):
    """ShuffleMixer's block: large depthwise convolutions between mixers of half the channels.

    Two mixing layers, + shortcut; then 3x3 conv, act, 1x1 conv, + their input. A mixing layer is a
    split mixer, a depthwise convolution, and another split mixer. The paper's activation is SiLU;
    the unit takes the network's. The rate dilates the depthwise convolutions.

    kernel         of the depthwise convolutions; 3 in the paper's tiny network
    ratio          channels between two 1x1 convolutions, for each that enters them
    groups         of the channel shuffle
    normalisation  before each split mixer

    Sun et al., ShuffleMixer: an efficient ConvNet for image super-resolution, 2022.
    https://arxiv.org/abs/2205.15175
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        kernel: Positive = 7,
        ratio: Positive = 2,
        groups: Positive = 8,
        normalisation: Normalisation = NORM,
    ) -> None:
        super().__init__()
        if channels % 2 or channels % groups:
            raise ValueError(f"shuffle_mixer: {channels} channels do not divide by 2 and {groups}")
        if kernel % 2 == 0:
            raise ValueError(f"shuffle_mixer.kernel {kernel} is even; an odd one keeps the size")

        def mixer() -> nn.Module:
            half = _pair(channels // 2, ratio * channels // 2, 1, layers)
            return SplitMixer(normalisation(channels), half, groups)

        def mixing_layer() -> nn.Module:
            spatial = layers.conv(channels, channels, kernel, rate=rate, groups=channels)
            return nn.Sequential(OrderedDict(mix1=mixer(), spatial=spatial, mix2=mixer()))

        self.body = numbered("layer", (mixing_layer() for _ in range(2)))
        self.close = _pair(channels, channels + EXTRA, 3, layers)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y = self.body(x) + (x if shortcut is None else shortcut)
        z: Tensor = self.close(y) + y
        return z


def _pair(channels: int, wide: int, kernel: int, layers: Layers) -> nn.Sequential:
    """conv to `wide` channels, act, 1x1 conv back."""
    return nn.Sequential(
        OrderedDict(
            expand=layers.conv(channels, wide, kernel),
            act=layers.act(),
            reduce=layers.conv(wide, channels, 1),
        )
    )
