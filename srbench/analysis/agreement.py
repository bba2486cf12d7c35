"""Agreement of two rankings: ours with a published one, a short schedule with a long one.

Rank correlation with an interval over items (variants): Fisher's z with the variances of Bonett and
Wright (2000, Spearman) and Fieller, Hartley and Pearson (1957, Kendall). A percentile bootstrap has
too low a coverage for few items.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from srbench.analysis.significance import Floats

Method = Literal["kendall", "spearman"]
INTERVAL_FROM = 5  # items: both variances need more than 4 or 3
EXACT_UP_TO = 7  # items: 5040 orders


@dataclass(frozen=True)
class Agreement:
    """A rank correlation; NaN below 2 items, or if all values are equal."""

    method: Method
    coefficient: float
    low: float  # 95 %, over items; NaN below 5 items
    high: float
    p: float  # two-sided, of no association; exact up to 7 items
    items: int


def rank_agreement(ours: ArrayLike, other: ArrayLike, method: Method = "kendall") -> Agreement:
    """The rank correlation of two lists of values (items,); a pair with a NaN is left out.

    Kendall's tau-b or Spearman's rho, both with ties. The interval is for a population of such
    items and takes the values as exact: noise in them shrinks the coefficient towards 0.

    Raises:
        ValueError: lists of different length.
    """
    x, y = _paired(ours, other)
    n, coefficient = len(x), rank_correlation(ours, other, method)
    if np.isnan(coefficient):
        nan = float("nan")
        return Agreement(method, nan, nan, nan, nan, n)
    p = _exact(x, y, method) if n <= EXACT_UP_TO else _tabled(x, y, method)
    low, high = _interval(coefficient, n, method)
    return Agreement(method, coefficient, low, high, p, n)


def rank_correlation(ours: ArrayLike, other: ArrayLike, method: Method = "kendall") -> float:
    """The coefficient alone, without importing scipy.stats (0.5 s)."""
    x, y = _paired(ours, other)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    if method == "spearman":
        a, b = ranks(x), ranks(y)
    else:  # tau-b is the correlation of the signs of all pairwise differences
        a, b = np.sign(x[:, None] - x).ravel(), np.sign(y[:, None] - y).ravel()
    a, b = a - a.mean(), b - b.mean()
    found = (a @ b) / np.sqrt((a @ a) * (b @ b))
    return round(float(found), 12)  # equal rankings give 1, not 1 - 1e-16


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


def _tabled(x: Floats, y: Floats, method: Method) -> float:
    from scipy.stats import kendalltau, spearmanr  # late: 0.5 s

    return float((kendalltau(x, y) if method == "kendall" else spearmanr(x, y)).pvalue)


def _interval(r: float, n: int, method: Method) -> tuple[float, float]:
    """Fisher's z interval. As z is infinite at +-1, the coefficient is first clipped inward by half
    the smallest step possible with n items."""
    if n < INTERVAL_FROM:
        return float("nan"), float("nan")
    step = 4 / (n * (n - 1)) if method == "kendall" else 12 / (n * (n * n - 1))
    inner = float(np.clip(r, -1 + step / 2, 1 - step / 2))
    variance = 0.437 / (n - 4) if method == "kendall" else (1 + inner**2 / 2) / (n - 3)
    half = float(-ndtri(0.025)) * variance**0.5
    low, high = np.tanh(np.arctanh(inner) - half), np.tanh(np.arctanh(inner) + half)
    return min(float(low), r), max(float(high), r)


def _exact(x: Floats, y: Floats, method: Method) -> float:
    """Share of all permutations of y whose correlation with x is at least as large, with ties."""
    orders = np.array(list(permutations(range(len(y)))))  # (n!, n)
    if method == "spearman":
        a, b = ranks(x), ranks(y)
        all_of = (a - a.mean()) @ (b - b.mean())[orders].T
    else:
        i, j = np.triu_indices(len(x), 1)
        all_of = np.sign(y[orders][:, i] - y[orders][:, j]) @ np.sign(x[i] - x[j])
    observed = abs(all_of[0]) - 1e-9  # the first order is y itself
    return float((np.abs(all_of) >= observed).mean())
