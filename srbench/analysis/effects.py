"""Means and differences of means with their errors: the arithmetic of every verdict.

The unit is the training run. Scores are (..., variants, seeds), the baseline first, NaN where there
is no run. Two means are compared as independent samples (Welch, 1947); a variant's variance is
raised towards the mean of all variants (the posterior variance of Smyth, 2004, with as many prior
degrees of freedom as the variant has, and never lowered), and counts with up to two more degrees of
freedom. docs/verdicts.md derives the method and has its error rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from srbench.analysis.significance import (
    LEAST_SEEDS,
    ROUNDING,
    Difference,
    Floats,
    half_width,
    sample,
)

CONFIDENCE = 0.95
BORROWED = 2.0  # degrees of freedom that a variance takes from the other variants, at most
SHARE = 4  # of theirs it takes no more than one in so many

Pair = tuple[int, int]
"""Rows of the scores: the first minus the second."""


@dataclass(frozen=True)
class Interval:
    """A mean with its two-sided t interval; the limits are NaN below two values."""

    mean: float
    low: float
    high: float
    count: int

    @classmethod
    def around(cls, mean: float, half: float, count: int) -> Interval:
        """The interval of this half-width."""
        return cls(mean, mean - half, mean + half, count)

    def __neg__(self) -> Interval:
        """The interval of the opposite difference."""
        return Interval(-self.mean, -self.high, -self.low, self.count)

    @property
    def half(self) -> float:
        """Half the width; NaN without an interval."""
        return (self.high - self.low) / 2

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero; False without an interval."""
        return bool(self.low > 0 or self.high < 0)


def unpaired(scores: ArrayLike, pairs: tuple[Pair, ...]) -> Difference:
    """Differences of means over all seeds that each side has."""
    x = np.asarray(scores, dtype=np.float64)
    of = sample(x)
    variance, freedom = moderated(of.sd**2, of.n)
    i, j = _rows(pairs)
    error, freedom = welch(
        variance[..., i], of.n[..., i], freedom[..., i],
        variance[..., j], of.n[..., j], freedom[..., j],
    )  # fmt: skip
    return _checked(x, pairs, of.mean[..., i] - of.mean[..., j], error, freedom)


def paired(scores: ArrayLike, pairs: tuple[Pair, ...]) -> Difference:
    """Means of differences over the seeds that both sides have (Student, 1908)."""
    x = np.asarray(scores, dtype=np.float64)
    i, j = _rows(pairs)
    of = sample(x[..., i, :] - x[..., j, :])
    return _checked(x, pairs, of.mean, of.error, of.freedom, together=True)


def moderated(variance: Floats, n: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Variances (..., variants) with their degrees of freedom; the baseline's, first, is its own.

    The pooled variance of the variants is the mean weighted by their degrees of freedom.
    """
    own = np.maximum(n - 1, 0).astype(np.float64)
    of_variants = own.copy()
    of_variants[..., 0] = 0.0
    total = of_variants.sum(axis=-1, keepdims=True)
    weighed = np.where(of_variants > 0, variance, 0.0) * of_variants
    pooled = weighed.sum(axis=-1, keepdims=True) / np.maximum(total, 1.0)
    others = total - of_variants  # degrees of freedom of the other variants
    others[..., 0] = 0.0
    raised = np.maximum(variance, (variance + pooled) / 2)
    return np.where(others > 0, raised, variance), own + borrowed(others)


def borrowed(others: Floats) -> Floats:
    """Degrees of freedom that a variance takes from those of the other variants."""
    return np.minimum(BORROWED, others / SHARE)


def welch(
    variance: Floats, n: ArrayLike, freedom: Floats,
    other: Floats, n_other: ArrayLike, freedom_other: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Standard error of a difference of two means, and its degrees of freedom.

    The degrees are those of Satterthwaite (1946) and Welch (1947).
    """
    a = variance / np.maximum(n, 1)
    b = other / np.maximum(n_other, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = a + b
        share = np.where(total > 0, a / total, 0.5)
        freedom = 1 / (share**2 / freedom + (1 - share) ** 2 / freedom_other)
    return np.sqrt(total), np.where(np.isfinite(freedom) & (freedom > 0), freedom, 1.0)


def _rows(pairs: tuple[Pair, ...]) -> NDArray[np.int64]:
    """The first rows of the pairs, and the second ones: (2, contrasts)."""
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


def _checked(
    x: Floats, pairs: tuple[Pair, ...], mean: Floats, error: Floats, freedom: Floats,
    *, together: bool = False,
) -> Difference:  # fmt: skip
    """What no variance decides: too few seeds, and differences that are the same in every seed.

    Differences of zero (up to rounding) in every common seed are an effect of exactly zero; other
    equal differences mean that the seeds had no influence, so the spread over seeds is unknown.
    """
    i, j = _rows(pairs)
    apart = x[..., i, :] - x[..., j, :]  # (..., contrasts, seeds)
    there, both = np.isfinite(x), np.isfinite(apart)
    common = both.sum(axis=-1)
    size = np.where(there, np.abs(x), 0.0).max(axis=-1, initial=0.0)  # (..., variants)
    limit = ROUNDING * np.maximum(size[..., i], size[..., j])
    low = np.min(apart, axis=-1, initial=np.inf, where=both)
    high = np.max(apart, axis=-1, initial=-np.inf, where=both)
    equal = (common > 1) & (np.maximum(np.abs(low), np.abs(high)) <= limit)
    constant = (common > 1) & ~equal & (high - low <= limit)
    n, other = (common, common) if together else (there[..., k, :].sum(axis=-1) for k in (i, j))
    enough = (n >= LEAST_SEEDS) & (other >= LEAST_SEEDS)
    return Difference(
        mean=np.where(equal, 0.0, mean),
        error=np.where(equal, 0.0, error),
        freedom=freedom,
        tested=np.asarray(enough & ~constant & ((error > 0) | equal), dtype=np.bool_),
        n=n.astype(np.int64),
        other=other.astype(np.int64),
        equal=np.asarray(equal, dtype=np.bool_),
    )


def t_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The mean of independent values and its t interval (Student, 1908)."""
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    mean = float(x.mean()) if n else float("nan")
    if n < 2:
        return Interval(mean, float("nan"), float("nan"), n)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * float(x.std(ddof=1)) / n**0.5
    return Interval.around(mean, half, n)


def difference(
    scores: Mapping[int, float], baseline: Mapping[int, float], confidence: float = CONFIDENCE
) -> Interval:
    """The mean of scores by seed minus that of a baseline's, with Welch's t interval (1947).

    It counts the seeds of the first. Scores that are equal in every common seed differ by zero.
    """
    seeds = sorted({*scores, *baseline})
    rows = [[one.get(seed, np.nan) for seed in seeds] for one in (baseline, scores)]
    of = unpaired(rows, ((1, 0),))
    mean, half = float(of.mean[0]), float(half_width(of, 1 - confidence)[0])
    return Interval.around(mean, half, int(of.n[0]) if mean == mean else 0)
