"""IMDN as its authors built it: `stack` with distilling units whose outputs are all gathered."""

from __future__ import annotations

from functools import partial

from srbench.blocks.activations import leaky_relu
from srbench.blocks.convolutions import plain
from srbench.blocks.information_distillation import InformationDistillationUnit
from srbench.core.registry import Positive
from srbench.core.slots import Convolution, Unit, model
from srbench.models.stack import Stack


@model.register("imdn")
def imdn(
    scale: int,
    *,
    channels: Positive = 64,
    units: Positive = 6,
    unit: Unit = InformationDistillationUnit,
    convolution: Convolution = plain,
) -> Stack:
    """Information multi-distillation network: LeakyReLU 0.05, direct tail, 715,176 weights at x4.

    channels  features of the body
    units     units in a row

    Hui et al., Lightweight image super-resolution with information multi-distillation network,
    2019. https://arxiv.org/abs/1909.11856; code: https://github.com/Zheng222/IMDN
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
    ).named_by(NAMES)


UNIT = r"IMDB(\d+)\."
NAMES = (  # a tensor's name in the authors' files, and in ours
    (r"fea_conv\.", "entry."),
    (UNIT + r"c([123])\.", r"body.unit_\1.refine.step_\2.conv."),
    (UNIT + r"c4\.", r"body.unit_\1.last."),
    (UNIT + r"c5\.", r"body.unit_\1.fuse."),
    (UNIT + r"cca\.conv_du\.0\.", r"body.unit_\1.attention.weigh.squeeze."),
    (UNIT + r"cca\.conv_du\.2\.", r"body.unit_\1.attention.weigh.excite."),
    (r"c\.0\.", "gather.conv."),
    (r"LR_conv\.", "end."),
    (r"upsampler\.0\.", "upsampler."),
)
