"""Agreement of two rankings: ours with a published one, a short schedule with a long one.

Kendall's tau-b with an interval over items (variants): Fisher's z with the variance of Fieller,
Hartley and Pearson (1957). A percentile bootstrap has too low a coverage for few items.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from srbench.analysis.significance import Floats

INTERVAL_FROM = 5  # items: the variance needs more than 4
EXACT_UP_TO = 7  # items: 5040 orders


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau-b; NaN below 2 items, or if all values are equal."""

    coefficient: float
    low: float  # 95 %, over items; NaN below 5 items
    high: float
    p: float  # two-sided, of no association; exact up to 7 items
    items: int


def rank_agreement(ours: ArrayLike, other: ArrayLike) -> Agreement:
    """Kendall's tau-b of two lists of values (items,); a pair with a NaN is left out.

    The interval is for a population of such items and takes the values as exact: noise in them
    shrinks the coefficient towards 0.

    Raises:
        ValueError: lists of different length.
    """
    x, y = _paired(ours, other)
    n, coefficient = len(x), kendall(ours, other)
    if np.isnan(coefficient):
        nan = float("nan")
        return Agreement(nan, nan, nan, nan, n)
    p = _exact(x, y) if n <= EXACT_UP_TO else _tabled(x, y)
    low, high = _interval(coefficient, n)
    return Agreement(coefficient, low, high, p, n)


def kendall(ours: ArrayLike, other: ArrayLike) -> float:
    """Kendall's tau-b: the correlation of the signs of all pairwise differences."""
    x, y = _paired(ours, other)
    return _correlation(np.sign(x[:, None] - x).ravel(), np.sign(y[:, None] - y).ravel())


def spearman(ours: ArrayLike, other: ArrayLike) -> float:
    """Spearman's rho: the correlation of the ranks."""
    x, y = _paired(ours, other)
    return _correlation(ranks(x), ranks(y))


def ranks(x: Floats) -> Floats:
    """Ranks from 1; equal values share their mean rank."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray((count.cumsum() - (count - 1) / 2)[place], dtype=np.float64)


def _paired(ours: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(ours, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"two lists of one length are compared, not {x.shape} with {y.shape}")
    there = np.isfinite(x) & np.isfinite(y)
    return x[there], y[there]


def _correlation(a: Floats, b: Floats) -> float:
    """Pearson's r without scipy.stats (0.5 s to import); NaN where all values are equal."""
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    return round(float((a @ b) / np.sqrt((a @ a) * (b @ b))), 12)  # equal ranks give exactly 1


def _tabled(x: Floats, y: Floats) -> float:
    from scipy.stats import kendalltau  # late: 0.5 s

    return float(kendalltau(x, y).pvalue)


def _interval(r: float, n: int) -> tuple[float, float]:
    """Fisher's z interval. As z is infinite at +-1, the coefficient is first clipped inward by half
    the smallest step possible with n items."""
    if n < INTERVAL_FROM:
        return float("nan"), float("nan")
    step = 4 / (n * (n - 1))
    z = np.arctanh(np.clip(r, -1 + step / 2, 1 - step / 2))
    half = -ndtri(0.025) * (0.437 / (n - 4)) ** 0.5
    return min(float(np.tanh(z - half)), r), max(float(np.tanh(z + half)), r)


def _exact(x: Floats, y: Floats) -> float:
    """Share of all permutations of y whose correlation with x is at least as large, with ties."""
    orders = y[np.array(list(permutations(range(len(y)))))]  # (n!, n)
    i, j = np.triu_indices(len(x), 1)
    all_of = np.sign(orders[:, i] - orders[:, j]) @ np.sign(x[i] - x[j])
    observed = abs(all_of[0]) - 1e-9  # the first order is y itself
    return float((np.abs(all_of) >= observed).mean())
