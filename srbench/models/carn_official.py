"""CARN and CARN-M as their authors built them: `carn` with other settings.

With `scales: [2, 3, 4]` they are the multi-scale networks whose weights the authors publish; at
one scale, the default, they use the weights of that scale.
"""

from __future__ import annotations

from functools import partial

from srbench.blocks.activations import relu
from srbench.blocks.mean_shift import DIV2K
from srbench.blocks.units import EfficientUnit, ResidualUnit
from srbench.blocks.upsamplers import pixel_shuffle
from srbench.core.registry import Positive
from srbench.core.slots import model
from srbench.models.carn import CARN


@model.register("carn_official")
def carn_official(
    scale: int, *, channels: Positive = 64, scales: tuple[Positive, ...] = ()
) -> CARN:
    """CARN as its authors built it: ReLU, no activation after the entry, mean shift.

    channels  channels of the features
    scales    scales of a multi-scale network, [2, 3, 4] in the authors' files; empty: the study's
              alone

    Ahn et al., Fast, accurate, and lightweight super-resolution with cascading residual network,
    2018. https://arxiv.org/abs/1803.08664; code: https://github.com/nmhkahn/CARN-pytorch
    """
    return CARN(
        scale,
        channels=channels,
        unit=ResidualUnit,
        activation=relu,
        entry="linear",
        mean_shift=DIV2K,
        scales=scales,
    )


@model.register("carn_m")
def carn_m(
    scale: int,
    *,
    channels: Positive = 64,
    groups: Positive = 4,
    scales: tuple[Positive, ...] = (),
) -> CARN:
    """CARN-M, the mobile one: grouped convolutions, and one unit a block, used three times.

    channels  channels of the features
    groups    groups of the convolutions in units and upsampler; more groups, fewer parameters
    scales    scales of a multi-scale network, [2, 3, 4] in the authors' files; empty: the study's
              alone

    Ahn et al., Fast, accurate, and lightweight super-resolution with cascading residual network,
    2018. https://arxiv.org/abs/1803.08664; code: https://github.com/nmhkahn/CARN-pytorch
    """
    return CARN(
        scale,
        channels=channels,
        unit=partial(EfficientUnit, groups=groups),
        sharing="block",
        activation=relu,
        entry="linear",
        upsampler=partial(pixel_shuffle, groups=groups),
        mean_shift=DIV2K,
        scales=scales,
    )
