"""RLFN as its authors built it: `stack` with RLFBs and a direct tail."""

from __future__ import annotations

from functools import partial

from srbench.blocks.activations import leaky_relu
from srbench.blocks.convolutions import plain
from srbench.blocks.residual_local_feature import ResidualLocalFeatureUnit
from srbench.core.registry import Positive
from srbench.core.slots import Convolution, Unit, model
from srbench.models.stack import Stack


@model.register("rlfn")
def rlfn(
    scale: int,
    *,
    channels: Positive = 52,
    units: Positive = 6,
    unit: Unit = ResidualLocalFeatureUnit,
    convolution: Convolution = plain,
) -> Stack:
    """Residual local feature network: LeakyReLU 0.05, direct tail, 543,740 weights at x4.

    Values are 0..255 inside, as the weights of the authors need them. RLFN-S is
    `rlfn: {channels: 48}`. The network of the NTIRE 2022 challenge is
    `rlfn: {channels: 46, units: 4, unit: {residual_local_feature: {middle: 48}}}`: 317,218 at x4.

    channels  features of the body
    units     units in a row

    Kong et al., Residual local feature network for efficient super-resolution, 2022.
    https://arxiv.org/abs/2205.07514; code: https://github.com/bytedance/RLFN
    """
    return Stack(
        scale,
        channels=channels,
        units=units,
        unit=unit,
        convolution=convolution,
        activation=partial(leaky_relu, slope=0.05),
        tail="direct",
        value_range=255.0,
    ).named_by(NAMES)


UNIT = r"block_(\d+)\."
NAMES = (  # a tensor's name in the authors' files, and in ours
    (r"conv_1\.", "entry."),
    (UNIT + r"c([123])_r\.", r"body.unit_\1.body.conv\2."),
    (UNIT + r"c5\.", r"body.unit_\1.fuse."),
    (UNIT + r"esa\.", r"body.unit_\1.attention."),
    (r"conv_2\.", "end."),
    (r"upsampler\.0\.", "upsampler."),
)
