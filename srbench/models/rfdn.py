"""RFDN as its authors built it: `stack` with RFDBs whose outputs are all gathered."""

from __future__ import annotations

from functools import partial

from srbench.blocks.activations import leaky_relu
from srbench.blocks.convolutions import plain
from srbench.blocks.residual_feature_distillation import ResidualFeatureDistillationUnit
from srbench.core.registry import Positive
from srbench.core.slots import Convolution, Unit, model
from srbench.models.stack import Stack


@model.register("rfdn")
def rfdn(
    scale: int,
    *,
    channels: Positive = 50,
    units: Positive = 4,
    unit: Unit = ResidualFeatureDistillationUnit,
    convolution: Convolution = plain,
) -> Stack:
    """Residual feature distillation network, as it won AIM 2020: 433,448 weights at x4.

    LeakyReLU 0.05, direct tail, values 0..255 inside, as the weights of the authors need them.

    channels  features of the body
    units     units in a row

    Liu et al., Residual feature distillation network for lightweight image super-resolution, 2020.
    https://arxiv.org/abs/2009.11551; code: https://github.com/njulj/RFDN
    """
    return Stack(
        scale,
        channels=channels,
        units=units,
        unit=unit,
        convolution=convolution,
        activation=partial(leaky_relu, slope=0.05),
        gather="all",
        tail="direct",
        value_range=255.0,
    ).named_by(NAMES)


UNIT = r"B(\d+)\."
NAMES = (  # a tensor's name in the authors' files, and in ours
    (r"fea_conv\.", "entry."),
    (UNIT + r"c([123])_d\.", r"body.unit_\1.distil.step_\2.conv."),
    (UNIT + r"c([123])_r\.", r"body.unit_\1.refine.step_\2.conv."),
    (UNIT + r"c4\.", r"body.unit_\1.last.conv."),
    (UNIT + r"c5\.", r"body.unit_\1.fuse."),
    (UNIT + r"esa\.", r"body.unit_\1.attention."),
    (r"c\.0\.", "gather.conv."),
    (r"LR_conv\.", "end."),
    (r"upsampler\.0\.", "upsampler."),
)
