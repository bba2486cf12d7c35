"""What a metric needs before it can be taken: an image size, weights, descriptions.

A plan asks, so that no training ends in a score that cannot be taken. The size is found by taking
the metric of made-up images, and so holds for a metric of others as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from srbench.core.errors import StudyError, UserError, first_line
from srbench.core.slots import Image
from srbench.measure.named import split
from srbench.measure.scores import (
    Pictured,
    Protocol,
    border_of,
    metrics_named,
    score_outputs,
    score_sets,
)
from srbench.measure.sets import NotScored

LARGEST = 256  # HR pixels: a metric that fails on such a square does not fail for its size


def least_side(name: str, protocol: Protocol, scale: int, side: int) -> int:
    """The shortest HR side from `side` on, a multiple of the scale, that a metric can be taken of.

    Raises:
        UserError: the metric cannot be taken of any image, with the reason.
    """
    start = max(1, min(side, LARGEST) // scale)
    if _problem(name, protocol, scale, start) is None:
        return start * scale
    fails, works = start, max(start + 1, LARGEST // scale)
    problem = _problem(name, protocol, scale, works)
    if problem is not None:
        raise problem
    while works - fails > 1:
        middle = (fails + works) // 2
        if _problem(name, protocol, scale, middle) is None:
            works = middle
        else:
            fails = middle
    return works * scale


def check_ready(name: str, images: Sequence[str], scale: int) -> None:
    """Load what a metric of a whole set takes along: weights, a description of each image.

    Raises:
        UserError: something is missing, with the place where it is looked for.
    """
    _, of_sets = metrics_named([name], scale)
    for score in of_sets.values():
        if score.needs is not None:
            score.needs(images)


def _problem(name: str, protocol: Protocol, scale: int, side: int) -> UserError | None:
    """Why a metric cannot be taken of two made-up LR squares of this side; None where it can."""
    factor = split(name, scale)[1]
    border = border_of(protocol, factor)
    if side * factor <= 2 * border:
        return StudyError(f"{side * factor} pixels are all within the border, {border}")
    try:
        pairs, of_sets = metrics_named([name], scale)
        pictured = [_made_up(n, side, scale, factor) for n in range(2)]
        for one in pictured if pairs else ():
            score_outputs(one.found, one.hr, protocol, scale, pairs)
        small = {n: score for n, score in of_sets.items() if score.needs is None}
        _, why = score_sets(nn.Upsample(scale_factor=factor), pictured, protocol, scale, small)
        return NotScored(why[0]) if why else None
    except UserError as problem:
        return problem
    except Exception as problem:  # of a part of others
        return StudyError(f"{type(problem).__name__}: {first_line(problem)}")


def _made_up(number: int, side: int, scale: int, factor: int) -> Pictured:
    def noise(side: int) -> Image:
        pixels: Image = np.random.default_rng((number, side)).integers(
            0, 256, (side, side, 3), dtype=np.uint8
        )
        return pixels

    found = {factor: noise(side * factor)}
    return Pictured(str(number), noise(side), noise(side * scale)[::-1], found)
