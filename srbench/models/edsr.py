"""EDSR as its authors built it: `stack` with their mean shift and range of values."""

from __future__ import annotations

import re

from srbench.blocks.convolutions import plain
from srbench.blocks.edsr_unit import EDSRUnit
from srbench.blocks.mean_shift import DIV2K
from srbench.core.registry import Positive
from srbench.core.slots import Convolution, Unit, model
from srbench.models.stack import Stack


@model.register("edsr")
def edsr(
    scale: int,
    *,
    channels: Positive = 64,
    units: Positive = 16,
    unit: Unit = EDSRUnit,
    convolution: Convolution = plain,
) -> Stack:
    """EDSR-M, also called EDSR-baseline: values 0..255 inside, mean shift, ReLU.

    The large EDSR is `edsr: {channels: 256, units: 32, unit: {edsr: {residual_scale: 0.1}}}`.

    channels  features of the body
    units     units in a row

    Lim et al., Enhanced deep residual networks for single image super-resolution, 2017.
    https://arxiv.org/abs/1707.02921; code: https://github.com/sanghyun-son/EDSR-PyTorch
    """
    return Stack(
        scale,
        channels=channels,
        units=units,
        unit=unit,
        convolution=convolution,
        mean_shift=DIV2K,
        value_range=255.0,
    ).named_by(NAMES)


def _in_unit(found: re.Match[str]) -> str:
    return f"body.unit_{int(found[1]) + 1}.body.conv{int(found[2]) // 2 + 1}."


NAMES = (  # a tensor's name in the authors' files, and in ours
    (r"head\.0\.", "entry."),
    (r"body\.(\d+)\.body\.([02])\.", _in_unit),
    (r"body\.\d+\.", "end."),
    (r"tail\.0\.0\.", "upsampler.conv1."),
    (r"tail\.0\.2\.", "upsampler.conv2."),
    (r"tail\.1\.", "exit."),
)
