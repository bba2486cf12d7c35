"""SAFMN: units that modulate features by pooled ones, a long skip, one pixel shuffle to RGB."""

from __future__ import annotations

import re

from torch import Tensor, nn

from srbench.blocks.activations import gelu
from srbench.blocks.convolutions import plain
from srbench.blocks.feature_mixing import FeatureMixingUnit
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, Unit, model
from srbench.core.weights_fill import Names, renamed


@model.register("safmn")
class SAFMN(nn.Module):
    """Spatially-adaptive feature modulation network: 227,820 parameters at x2, 239,520 at x4.

    channels  features of the body
    units     units in a row

    Sun et al., Spatially-adaptive feature modulation for efficient image super-resolution, 2023.
    https://arxiv.org/abs/2302.13800; code: https://github.com/sunny2109/SAFMN
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 36,
        units: Positive = 8,
        unit: Unit = FeatureMixingUnit,
        convolution: Convolution = plain,
        activation: Activation = gelu,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        self.entry = layers.conv(3, channels, 3)
        self.body = numbered("unit", (unit(channels, 1, layers) for _ in range(units)))
        self.tail = layers.conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x: Tensor) -> Tensor:
        features = self.entry(x)  # (N, C, H, W)
        image: Tensor = self.shuffle(self.tail(self.body(features) + features))
        return image

    def own_name(self, name: str) -> str:
        """Our name of a tensor in the authors' files."""
        return renamed(name, NAMES)


def _in_unit(found: re.Match[str]) -> str:
    return f"body.unit_{int(found[1]) + 1}.{IN_UNIT[found[2]]}."


def _level(found: re.Match[str]) -> str:
    return f"body.unit_{int(found[1]) + 1}.weigh.attention.modulate.level_{found[2]}."


IN_UNIT = {  # a layer's name within a unit, in the authors' files and in ours
    "norm1": "weigh.norm",
    "safm.aggr": "weigh.attention.mix",
    "norm2": "mix.norm",
    "ccm.ccm.0": "mix.expand",
    "ccm.ccm.2": "mix.reduce",
}
NAMES: Names = (  # a tensor's name in the authors' files, and in ours
    (r"to_feat\.", "entry."),
    (r"feats\.(\d+)\.safm\.mfr\.(\d+)\.", _level),
    (r"feats\.(\d+)\.(norm1|safm\.aggr|norm2|ccm\.ccm\.[02])\.", _in_unit),
    (r"to_img\.0\.", "tail."),
)
