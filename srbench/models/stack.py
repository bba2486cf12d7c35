"""The common body of super-resolution: head, units in a row, end convolution, long skip, tail.

EDSR, IMDN, RFDN and RLFN are settings of it, each in a file of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch
from torch import Tensor, nn

from srbench.blocks.activations import relu
from srbench.blocks.convolutions import plain
from srbench.blocks.edsr_unit import EDSRUnit
from srbench.blocks.linear_pixel_shuffle import linear_pixel_shuffle
from srbench.blocks.mean_shift import MeanShift
from srbench.blocks.skips import none
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, Skip, Unit, Upsampler, model
from srbench.core.weights_fill import Names, renamed


@model.register("stack")
class Stack(nn.Module):
    """Any unit, repeated, in one body: the place to compare units and their attentions.

    The defaults are EDSR's with 16 units and 64 channels, without mean shift (EDSR-M is `edsr`).

    channels     features of the body
    units        units in a row
    gather       what the end convolution gets: the last unit's output, or those of all units
                 through a 1x1 convolution and an activation, as in IMDN and RFDN
    tail         features: `upsampler`, then a convolution to RGB; direct: one convolution to
                 3 * scale² channels and a shuffle, as in ESPCN and RLFN (`upsampler` is not used)
    mean_shift   mean colour of the training images, subtracted before and added after
    value_range  the value of white inside the network: 1, or 255 as in EDSR's code

    Lim et al., Enhanced deep residual networks for single image super-resolution, 2017.
    https://arxiv.org/abs/1707.02921
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 64,
        units: Positive = 16,
        unit: Unit = EDSRUnit,
        convolution: Convolution = plain,
        activation: Activation = relu,
        gather: Literal["last", "all"] = "last",
        tail: Literal["features", "direct"] = "features",
        upsampler: Upsampler = linear_pixel_shuffle,
        mean_shift: tuple[float, ...] = (),
        value_range: float = 1.0,
        skip: Skip = none,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        mean = [value_range * colour for colour in mean_shift]
        self.sub_mean = MeanShift(mean, "subtract") if mean else nn.Identity()
        self.entry = layers.conv(3, channels, 3)
        self.body = numbered("unit", (unit(channels, 1, layers) for _ in range(units)))
        self.gather: nn.Module | None = None
        if gather == "all":
            self.gather = nn.Sequential(
                OrderedDict(conv=layers.conv(units * channels, channels, 1), act=layers.act())
            )
        self.end = layers.conv(channels, channels, 3)
        if tail == "features":
            self.upsampler: nn.Module = upsampler(channels, scale, layers)
            self.exit = layers.conv(channels, 3, 3)
        else:
            self.upsampler = layers.conv(channels, 3 * scale**2, 3)
            self.exit = nn.PixelShuffle(scale)
        self.add_mean = MeanShift(mean, "add") if mean else nn.Identity()
        self.skip = skip(scale)
        self.value_range = value_range
        self.names: Names = ()

    def forward(self, x: Tensor) -> Tensor:
        within = x if self.value_range == 1 else x * self.value_range
        features = self.entry(self.sub_mean(within))  # (N, C, H, W)
        y = self.end(self._body(features)) + features
        y = self.add_mean(self.exit(self.upsampler(y)))  # (N, 3, scale*H, scale*W)
        image: Tensor = self.skip(y if self.value_range == 1 else y / self.value_range, x)
        return image

    def _body(self, x: Tensor) -> Tensor:
        if self.gather is None:
            last: Tensor = self.body(x)
            return last
        outputs = []
        for unit in self.body:
            x = unit(x)
            outputs.append(x)
        y: Tensor = self.gather(torch.cat(outputs, 1))  # (N, units*C, H, W) -> (N, C, H, W)
        return y

    def named_by(self, names: Names) -> Stack:
        """The network itself, which now knows how its authors' files name its tensors."""
        self.names = names
        return self

    def own_name(self, name: str) -> str:
        """Our name of a tensor in the authors' files."""
        return renamed(name, self.names)
