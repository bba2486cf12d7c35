"""Whether training had converged, and whether the ranking of the variants had settled.

The gain *still to come* is that of training for another third. It is extrapolated from the gains so
far, as if they went on shrinking at the rate at which they shrank. A plateau at the end of a
learning-rate schedule does not show that a longer schedule would gain nothing: compare a short
schedule with a long one for that (`agreement`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtri, stdtrit

from srbench.analysis.agreement import kendall
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


MOST_RATIO = 1.06  # of late to early gain; at 1.1 ten validations miss a goal of the calibration
AUTOCORRELATION = 0.5  # assumed where there is one seed: ten points cannot show it
SETTLED = 0.9  # rank correlation with the last point

State = Literal["converged", "still moving", "not known"]


@dataclass(frozen=True)
class Plateaus:
    """What is still to come, with its 95 % interval, in the curve's unit; NaN: no curve.

    Of variants (..., variants), or run by run (..., variants, seeds).
    """

    change: Floats
    low: Floats
    high: Floats
    state: NDArray[np.str_]


def plateaus_of_variants(of: Gains, tolerance: float) -> Plateaus:
    """Judge each variant by its mean over seeds.

    "converged": the whole interval lies within +-tolerance. "still moving": by the best estimate
    more than the tolerance is to come, and the late gain differs from 0. "not known": neither.

    Of an exponential, the gain to come is the late gain times a function of the ratio of late to
    early gain (`multiplier`; Aitken, 1926, extrapolates by such a ratio). One variant's ratio is
    uncertain, so it is that of the sums over variants, with Fieller's (1954) interval up to a limit
    of 1.06. A variant whose own ratio differs at 1 % has its own, and no upper end lies below the
    variant's own ratio. The errors of gain and ratio are joined by Zou and Donner's (2008) sum of
    squares, with their correlation.

    Since curves slow down, no more is to come than the last third gained, nor than the upper end of
    its 99 % interval. Where the last third goes against the whole course by more than its standard
    error (overfitting), as much again is to come.

    The spread is that over seeds, pooled over variants (but for one that varies more at 1 %), and
    needs no model of the noise. Where each variant has one seed, it is that of the points, inflated
    for autocorrelation. Curves that slow
    down more than an exponential does, such as log(epoch), have more to come than this finds
    (`benchmarks/calibration_convergence.py`).

    Raises:
        ValueError: unless tolerance > 0.
    """
    runs = np.maximum(np.isfinite(of.late).sum(axis=-1), 1)
    spread, t = _spread(of)
    means = np.stack([_mean(of.late), _mean(of.last)])
    return _judged(means, spread / runs, t, _course(of), of.points, tolerance)


def plateaus_of_runs(of: Gains, tolerance: float) -> Plateaus:
    """Judge each run by itself, with the spread and the ratios of gains of its study."""
    spread, t = (x[..., None] for x in _spread(of))  # (..., variants, 1)
    course = _course(of)[..., None]  # (5, ..., variants, 1)
    return _judged(np.stack([of.late, of.last]), spread, t, course, of.points, tolerance)


def _judged(
    found: Floats, spread: Floats, t: Floats, course: Floats, points: int, tolerance: float
) -> Plateaus:
    """Extrapolate late and last gains (2, ...) along the course of their variants."""
    if not tolerance > 0:
        raise ValueError(f"the tolerance is {tolerance}; it must be above 0")
    ratio, least, most, correlation, sign = course
    (late, last), last_error = sign * found, np.sqrt(spread[3])
    turned = last < -last_error
    gain = np.where(turned, last, late)
    half = t[0] * np.where(turned, last_error, np.sqrt(spread[0]))
    m, m_least, m_most = (
        np.where(turned, 1.0, multiplier(x, points)) for x in (ratio, least, most)
    )
    change, by_gain = gain * m, half * m
    unsure = np.maximum(gain, half)  # a gain of 0 within error may be one of `half`
    below, above = (unsure * x for x in (m - m_least, m_most - m))
    low, high = (
        change + side * np.sqrt(by_gain**2 + x**2 + 2 * correlation * by_gain * x)
        for side, x in ((-1, below), (1, above))
    )
    change = np.where(turned, change, np.minimum(change, last))
    high = np.where(turned, high, np.minimum(high, last + t[1] * last_error))
    low = np.minimum(low, change)
    converged = (low >= -tolerance) & (high <= tolerance)
    moving = (np.abs(change) > tolerance) & (np.abs(gain) > half) & ~converged
    state = np.where(converged, "converged", np.where(moving, "still moving", "not known"))
    ends = np.where(sign > 0, (low, high), (-high, -low))
    return Plateaus(sign * change, ends[0], ends[1], state)


def _course(of: Gains) -> Floats:
    """By variant: ratio of gains, its two ends, its correlation with the gain, sign of the curve.

    (5, ..., variants).
    """
    spread, t = _spread(of)
    late, early = _mean(of.late), _mean(of.early)
    sign = np.where(late + early < 0, -1.0, 1.0)
    late, early = sign * late, sign * early
    n = np.isfinite(of.late).sum(axis=-1)
    own = np.where(n > 0, spread[:3] / np.maximum(n, 1), 0.0)  # (3, ..., variants)
    total = own.sum(axis=-1, keepdims=True)
    late_sum, early_sum = (np.nansum(x, axis=-1, keepdims=True) for x in (late, early))
    pooled, alone = _ratio(late_sum, early_sum, total, t[0]), _ratio(late, early, own, t[0])
    odd = np.abs(late - pooled[0] * early) > t[1] * np.sqrt(_variance(own, pooled[0]))
    ratio, least, most = np.where(odd, alone, pooled)
    most = np.maximum(most, alone[0])
    product = own[0] * _variance(np.where(odd, own, total), ratio)
    shared = (own[0] - ratio * own[1]) / np.sqrt(np.where(product > 0, product, 1.0))
    return np.stack([ratio, least, most, np.clip(shared, -1, 1), sign])


def _ratio(late: Floats, early: Floats, spread: Floats, t: Floats) -> Floats:
    """late / early, at most 1, with the ends of Fieller's interval: (3, ..., variants)."""
    gg, gh, hh = t**2 * spread
    a, b, c = early**2 - hh, late * early - gh, late**2 - gg
    bounded = (a > 0) & (early > 0)  # else any ratio is possible
    a, root = np.where(bounded, a, 1.0), np.sqrt(np.maximum(b**2 - a * c, 0.0))
    low, high = (
        np.where(bounded, (b - root) / a, LEAST_RATIO),
        np.where(bounded, (b + root) / a, MOST_RATIO),
    )
    ratio = np.where(early > 0, late / np.where(early > 0, early, 1.0), 1.0)
    limits = (LEAST_RATIO, 1.0), (LEAST_RATIO, 1.0), (LEAST_RATIO, MOST_RATIO)
    found = (np.clip(x, *ends) for x, ends in zip((ratio, low, high), limits, strict=True))
    return np.stack(np.broadcast_arrays(*found))


def _variance(spread: Floats, ratio: Floats) -> Floats:
    """Of late - ratio * early."""
    gg, gh, hh = spread
    found: Floats = np.maximum(gg - 2 * ratio * gh + ratio**2 * hh, 0.0)
    return found


def _spread(of: Gains) -> tuple[Floats, Floats]:
    """Variances (4, ..., variants) of a run's gains, and t of 95 and 99 % intervals, (2, ...).

    Variances of its late gain, covariance of late and early, of its early, of its last. A variant
    whose late gains vary more than the others' at 1 % has its own, and is left out of theirs.
    """
    late, early, last = (x - _mean(x)[..., None] for x in (of.late, of.early, of.last))
    n = np.isfinite(late).sum(axis=-1)
    free = np.maximum(n - 1, 0)
    squares = np.nansum(np.stack([late**2, late * early, early**2, last**2]), axis=-1)
    others = free.sum(axis=-1, keepdims=True) - free
    rest = (squares[0].sum(axis=-1, keepdims=True) - squares[0]) / np.maximum(others, 1)
    most = fdtri(np.maximum(free, 1), np.maximum(others, 1), 0.99)
    wild = (squares[0] > most * rest * free) & (others > 0) & (free > 0)
    pooled = np.where(wild, 0.0, squares).sum(axis=-1, keepdims=True)
    freedom = np.where(wild, 0, free).sum(axis=-1, keepdims=True)
    spread = np.where(wild, squares / np.maximum(free, 1), pooled / np.maximum(freedom, 1))
    freedom = np.where(wild, free, freedom)
    lag, w, z = weights_of(of.points)
    of_one = np.array([w @ w, w[lag:] @ w[:-lag], w @ w, z @ z])
    inflated = (1 + AUTOCORRELATION) / (1 - AUTOCORRELATION) * of.noise
    runs = n.sum(axis=-1)
    within = np.multiply.outer(of_one, np.nansum(inflated, axis=(-2, -1)) / np.maximum(runs, 1))
    alone = np.maximum(runs * (len(w) + lag - 3), 1)[..., None]
    t = np.stack([stdtrit(np.where(freedom > 0, freedom, alone), q) for q in (0.975, 0.995)])
    return np.where(freedom > 0, spread, within[..., None]), t


def _mean(x: Floats) -> Floats:
    """Over seeds; NaN without any."""
    n = np.isfinite(x).sum(axis=-1)
    return np.where(n > 0, np.nansum(x, axis=-1) / np.maximum(n, 1), np.nan)


def settled_at(curves: ArrayLike) -> int | None:
    """The first point from which the order of the variants stays nearly that of the last point.

    Curves are (variants, points), means over seeds; nearly: a rank correlation of 0.9 or more. None
    where it holds at the last point alone. A variant without a value at a point is left out there.
    Neighbouring points of a training are close, so an order that was the last one just before the
    end shows little.
    """
    x = np.asarray(curves, dtype=np.float64)
    below = [k for k in range(x.shape[1]) if not kendall(x[:, k], x[:, -1]) >= SETTLED]
    first = below[-1] + 1 if below else 0
    return first if first < x.shape[1] - 1 else None
