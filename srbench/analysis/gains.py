"""How much a curve gained late in training, and how much a quarter of training before.

Of an exponential, the ratio of these two gains says what another third of training would bring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from srbench.analysis.significance import Floats

LEAST_POINTS = 4  # of a curve, for two gains and what the points scatter
SKIPPED = 0.1  # of the points, at the beginning, where curves are steeper than an exponential
LEAST_RATIO = 1e-3  # of late to early gain
NEARLY_1 = 1 - 1e-6  # for a ratio of 1, where the formulas are 0/0


@dataclass(frozen=True)
class Gains:
    """Gains per third of training, of curves (..., variants, seeds); NaN where there is none."""

    late: Floats  # over the last points
    early: Floats  # over as many, a quarter of training before
    last: Floats  # over the last third alone
    noise: Floats  # variance of a point about an exponential through these points
    points: int  # of a curve


def gains(curves: ArrayLike) -> Gains:
    """Gains of curves (..., variants, seeds, points), equally spaced and without holes.

    A gain is the slope by least squares, of the late points and of the early ones.
    """
    y = np.asarray(curves, dtype=np.float64)
    lag, weights, last = weights_of(y.shape[-1])
    tail = y[..., -len(weights) - lag :]
    late, early = tail[..., lag:] @ weights, tail[..., :-lag] @ weights
    ratio = late / np.where(early == 0, np.inf, early)
    shrinks = (ratio > LEAST_RATIO) & (ratio < 1)
    base = np.where(shrinks, ratio, NEARLY_1) ** (1 / lag)
    course = base[..., None] ** np.arange(tail.shape[-1])  # (..., points)
    course -= course.mean(axis=-1, keepdims=True)
    rest = tail - tail.mean(axis=-1, keepdims=True)
    rest -= ((rest * course).sum(axis=-1) / (course**2).sum(axis=-1))[..., None] * course
    noise = (rest**2).sum(axis=-1) / max(tail.shape[-1] - 3, 1)
    return Gains(late, early, y[..., -len(last) :] @ last, noise, y.shape[-1])


def measured(curves: Sequence[Sequence[Floats]]) -> Gains:
    """Gains of the curves of one study, by variant and seed.

    A hole (NaN) is interpolated, at an end it is cut off. Curves may differ a little in length:
    `points` is the median. One of fewer than 4 points has no gain.
    """
    table = np.full((4, len(curves), max(map(len, curves), default=0)), np.nan)
    lengths = []
    for place in np.ndindex(table.shape[1:]):
        y = curves[place[0]][place[1]] if place[1] < len(curves[place[0]]) else np.empty(0)
        at = np.flatnonzero(np.isfinite(y))
        if len(at) and np.ptp(at) + 1 >= LEAST_POINTS:
            found = gains(np.interp(np.arange(at[0], at[-1] + 1), at, y[at]))
            table[:, *place] = found.late, found.early, found.last, found.noise
            lengths.append(found.points)
    late, early, last, noise = table
    points = round(np.median(lengths or [LEAST_POINTS]))
    return Gains(late, early, last, noise, points)


def multiplier(ratio: Floats, points: int) -> Floats:
    """The gain of another third of training over the late gain, of an exponential.

    `ratio` is that of late to early gain, which lie `lag` points apart, so the distance to the
    limit shrinks by q = ratio^(1/lag) from point to point. If it is 1 at the last point, it is q^-k
    at k points before, and another third of training brings 1 - q^(points/3).
    """
    lag, weights, _ = weights_of(points)
    q = np.where(np.abs(ratio - 1) < 1e-6, NEARLY_1, ratio) ** (1 / lag)
    back = np.arange(len(weights))[::-1]
    return (1 - q ** (points / 3)) / (-(q[..., None] ** -back) @ weights)


def weights_of(points: int) -> tuple[int, Floats, Floats]:
    """Points in a quarter of training; what late (or early) and last points weigh in a gain."""
    lag = points // 4
    late = _slope(points - lag - round(points * SKIPPED))
    return lag, late * points / 3, _slope(round(points / 3) + 1) * points / 3


def _slope(points: int) -> Floats:
    """The weights of a slope by least squares."""
    x = np.arange(points, dtype=np.float64)
    x -= x.mean()
    return x / (x @ x)
