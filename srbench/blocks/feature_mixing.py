"""SAFMN's unit: an attention, then two convolutions, each after a norm and with a skip."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from srbench.blocks.layer_norm import ChannelLayerNorm
from srbench.blocks.safm import FeatureModulation
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import Attention, Normalisation, unit


@unit.register("feature_mixing")
class FeatureMixingUnit(nn.Module):
    """SAFMN's feature mixing module: an attention, then two convolutions, each with norm and skip.

    The first half is norm, attention, + shortcut; the second (its convolutional channel mixer) is
    norm, 3x3 conv, act, 1x1 conv, + its input. The paper's activation is GELU; the unit takes the
    network's. The rate dilates the 3x3 convolution.

    ratio          channels between the two convolutions, for each of the unit's
    attention      in the first half
    normalisation  at the beginning of each half

    Sun et al., Spatially-adaptive feature modulation for efficient image super-resolution, 2023.
    https://arxiv.org/abs/2302.13800
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        ratio: Positive = 2,
        attention: Attention = FeatureModulation,
        normalisation: Normalisation = ChannelLayerNorm,
    ) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            OrderedDict(norm=normalisation(channels), attention=attention(channels))
        )
        self.mix = nn.Sequential(
            OrderedDict(
                norm=normalisation(channels),
                expand=layers.conv(channels, ratio * channels, 3, rate=rate),
                act=layers.act(),
                reduce=layers.conv(ratio * channels, channels, 1),
            )
        )

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y = self.weigh(x) + (x if shortcut is None else shortcut)
        z: Tensor = self.mix(y) + y
        return z
