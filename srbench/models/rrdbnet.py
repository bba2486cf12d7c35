"""RRDBNet: the network of ESRGAN."""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import partial

from torch import Tensor, nn

from srbench.blocks.activations import leaky_relu
from srbench.blocks.convolutions import plain
from srbench.blocks.dense import ResidualInResidualUnit
from srbench.blocks.upsamplers import nearest
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, Unit, Upsampler, model
from srbench.core.weights_fill import Names, renamed

SLOPED = partial(leaky_relu, slope=0.2)


@model.register("rrdbnet")
class RRDBNet(nn.Module):
    """ESRGAN's generator: dense blocks, then nearest upsampling; 16,697,987 parameters at x4.

    The authors publish x4 alone; other scales have as many upsampling stages as they need.
    BasicSR's x2 is another network: x4, on an image of half the size and four times the channels.

    channels  features of the body
    units     units in a row

    Wang et al., ESRGAN: enhanced super-resolution generative adversarial networks, 2018.
    https://arxiv.org/abs/1809.00219; code: https://github.com/XPixelGroup/BasicSR
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 64,
        units: Positive = 23,
        unit: Unit = ResidualInResidualUnit,
        convolution: Convolution = plain,
        activation: Activation = SLOPED,
        upsampler: Upsampler = nearest,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        self.entry = layers.conv(3, channels, 3)
        self.body = numbered("unit", (unit(channels, 1, layers) for _ in range(units)))
        self.end = layers.conv(channels, channels, 3)
        self.upsampler = upsampler(channels, scale, layers)
        self.large = nn.Sequential(
            OrderedDict(conv=layers.conv(channels, channels, 3), act=layers.act())
        )
        self.exit = layers.conv(channels, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        features = self.entry(x)  # (N, C, H, W)
        y = self.upsampler(self.end(self.body(features)) + features)  # (N, C, scale*H, scale*W)
        image: Tensor = self.exit(self.large(y))
        return image

    def own_name(self, name: str) -> str:
        """Our name of a tensor in BasicSR's files, or in the authors' first ones."""
        return renamed(name, NAMES)


def _in_unit(found: re.Match[str]) -> str:
    conv = "merge" if found[3] == "5" else f"grow.conv{found[3]}"
    return f"body.unit_{int(found[1]) + 1}.body.dense_{found[2]}.{conv}."


NAMES: Names = (  # a tensor's name in files of others, and in ours
    (r"(?:body|RRDB_trunk)\.(\d+)\.(?:rdb|RDB)([123])\.conv([1-5])\.", _in_unit),
    (r"conv_first\.", "entry."),
    (r"(?:conv_body|trunk_conv)\.", "end."),
    (r"(?:conv_up|upconv)(\d)\.", r"upsampler.conv\1."),
    (r"(?:conv_hr|HRconv)\.", "large.conv."),
    (r"conv_last\.", "exit."),
)
