"""PAN: a row of self-calibrated units, and pixel attention in the reconstruction."""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import partial

from torch import Tensor, nn

from srbench.blocks.activations import leaky_relu
from srbench.blocks.convolutions import plain
from srbench.blocks.pixel_attention import PixelAttention
from srbench.blocks.self_calibrated import SelfCalibratedUnit
from srbench.blocks.skips import bilinear
from srbench.blocks.upsamplers import factors
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Attention, Convolution, Skip, Unit, model
from srbench.core.weights_fill import renamed

SLOPED = partial(leaky_relu, slope=0.2)


@model.register("pan")
class PAN(nn.Module):
    """Pixel attention network (PAN) of AIM 2020: 272,419 parameters at x4.

    channels   channels of the features at the size of LR
    width      channels of the reconstruction
    units      units in a row
    attention  after each of its enlarging convolutions; `none` is the paper's own ablation

    Zhao et al., Efficient image super-resolution using pixel attention, 2020.
    https://arxiv.org/abs/2010.01073; code: https://github.com/zhaohengyuan1/PAN
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 40,
        width: Positive = 24,
        units: Positive = 16,
        unit: Unit = SelfCalibratedUnit,
        attention: Attention = PixelAttention,
        convolution: Convolution = plain,
        activation: Activation = SLOPED,
        skip: Skip = bilinear,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        self.entry = layers.conv(3, channels, 3)
        self.trunk = numbered("unit", (unit(channels, 1, layers) for _ in range(units)))
        self.trunk_conv = layers.conv(channels, channels, 3)
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        for i, factor in enumerate(factors(scale), 1):
            stages[f"repeat{i}"] = nn.Upsample(scale_factor=factor, mode="nearest")
            stages[f"enlarge{i}"] = layers.conv(channels if i == 1 else width, width, 3)
            stages[f"attention{i}"] = attention(width)
            stages[f"act{i}"] = layers.act()
            stages[f"conv{i}"] = layers.conv(width, width, 3)
            stages[f"out{i}"] = layers.act()
        self.reconstruction = nn.Sequential(stages)
        self.exit = layers.conv(width if stages else channels, 3, 3)
        self.skip = skip(scale)

    def forward(self, x: Tensor) -> Tensor:
        features = self.entry(x)  # (N, C, H, W)
        features = features + self.trunk_conv(self.trunk(features))
        y = self.exit(self.reconstruction(features))  # (N, 3, scale*H, scale*W)
        image: Tensor = self.skip(y, x)
        return image

    def own_name(self, name: str) -> str | None:
        """Our name of a tensor in the authors' files."""
        unit = re.match(r"SCPA_trunk\.(\d+)\.(.+)\.(weight|bias)$", name)
        if unit and unit[2] in IN_UNIT:
            return f"trunk.unit_{int(unit[1]) + 1}.{IN_UNIT[unit[2]]}.{unit[3]}"
        return renamed(name, NAMES)


IN_UNIT = {  # a layer's name within a unit, in the authors' files and in ours
    "conv1_a": "plain.split",
    "k1.0": "plain.conv",
    "conv1_b": "attended.split",
    "PAConv.k2": "attended.attend.weigh",
    "PAConv.k3": "attended.attend.conv1",
    "PAConv.k4": "attended.attend.conv2",
    "conv3": "merge",
}
NAMES = (  # a tensor's name elsewhere in the authors' files, and in ours
    (r"conv_first\.", "entry."),
    (r"conv_last\.", "exit."),
    (r"upconv(\d)\.", r"reconstruction.enlarge\1."),
    (r"att(\d)\.conv\.", r"reconstruction.attention\1.weigh."),
    (r"HRconv(\d)\.", r"reconstruction.conv\1."),
)
