"""SPAN: six units whose attention has no parameters, and one pixel shuffle to RGB."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from srbench.blocks.activations import swish
from srbench.blocks.conv3xc import Conv3XC
from srbench.blocks.mean_shift import DIV2K
from srbench.blocks.spab import SPAB
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, model
from srbench.core.weights_fill import Names, renamed

WHITE = 255.0  # of the image inside the network


@model.register("span")
class SPAN(nn.Module):
    """Swift parameter-free attention network; with 28 channels the baseline of NTIRE 2026.

    A 1x1 convolution joins the entry's features, the first unit's, the last unit's after another
    3x3 convolution, and those after the first activation inside the last unit: the authors' code
    names the features before that activation, but overwrites them in place. Inside, the image is
    0..255 less the mean colour; the output is 0..1. With 28 channels it has 150,688 parameters at
    x4, fused. With `convolution: plain` it takes the fused tensors of the authors' files.

    channels     features of the body
    units        units in a row
    convolution  of entry, units and end; the other two are plain

    Wan et al., Swift parameter-free attention network for efficient super-resolution, 2024.
    https://arxiv.org/abs/2311.12770; code: https://github.com/hongyuanyu/SPAN
    """

    mean: Tensor

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 48,
        units: Positive = 6,
        convolution: Convolution = Conv3XC,
        activation: Activation = swish,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        self.register_buffer("mean", torch.tensor(DIV2K).view(1, 3, 1, 1), persistent=False)
        self.entry = layers.conv(3, channels, 3)
        self.body = numbered("unit", (SPAB(channels, 1, layers) for _ in range(units)))
        self.end = layers.conv(channels, channels, 3)
        self.join = nn.Conv2d(4 * channels, channels, 1)
        self.tail = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x: Tensor) -> Tensor:
        entry = y = self.entry((x - self.mean) * WHITE)  # (N, C, H, W)
        outputs = []
        for unit in self.body:
            assert isinstance(unit, SPAB)
            y, inside = unit.with_first(y)
            outputs.append(y)
        joined = self.join(torch.cat([entry, self.end(y), outputs[0], inside], 1))
        image: Tensor = self.shuffle(self.tail(joined))
        return image

    def own_name(self, name: str) -> str | None:
        """Our name of a tensor in the authors' files; None for the form we do not have."""
        within = CONVOLUTION.fullmatch(name)
        if within is None:
            return renamed(name, NAMES)
        place, form, kind = within.groups()
        if (form == "eval_conv") == isinstance(self.entry, Conv3XC):
            return None
        return renamed(place, NAMES) + IN_CONVOLUTION[form] + kind


CONVOLUTION = re.compile(r"(.+\.)(sk|conv\.[012]|eval_conv)\.(weight|bias)")
IN_CONVOLUTION = {  # its layers in the authors' files, and in ours
    "sk": "skip.",
    "conv.0": "expand.",
    "conv.1": "conv.",
    "conv.2": "reduce.",
    "eval_conv": "",
}
NAMES: Names = (  # a tensor's name in the authors' files, and in ours
    (r"conv_1\.", "entry."),
    (r"block_(\d+)\.c(\d)_r\.", r"body.unit_\1.conv\2."),
    (r"conv_2\.", "end."),
    (r"conv_cat\.", "join."),
    (r"upsampler\.0\.", "tail."),
)
