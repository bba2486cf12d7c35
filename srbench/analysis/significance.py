"""p-values and half-widths of means and of differences, for arrays with any leading axes.

The last axis of values is the seeds (or, for `holm`, the contrasts), so that the calibration
simulates many studies with the code that decides one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from math import comb, nan
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

Better = Literal["higher", "lower"]

LEAST_SEEDS = 3  # fewer give a number and no verdict
RESAMPLES = 9_999  # of every bootstrap
ROUNDING = 1e-6  # of the values themselves: less may be rounding of float32


@dataclass(frozen=True)
class Sample:
    """Mean, standard deviation and count of the finite values of each row."""

    mean: Floats  # (...,); NaN without a value
    sd: Floats  # NaN below two values; exactly 0 if they are equal up to rounding
    n: NDArray[np.int64]

    @property
    def freedom(self) -> Floats:
        """n - 1, but at least 1, so that no formula divides by zero."""
        return np.maximum(self.n - 1, 1).astype(np.float64)

    @property
    def error(self) -> Floats:
        """Standard error of the mean."""
        return self.sd / np.sqrt(np.maximum(self.n, 1))


@dataclass(frozen=True)
class Difference:
    """Differences of means, (..., contrasts), with their standard errors."""

    mean: Floats
    error: Floats
    freedom: Floats  # degrees of freedom of the error, above 0
    tested: Truths  # where there are enough seeds, and a spread, for a test
    n: NDArray[np.int64]  # seeds of the first side
    other: NDArray[np.int64]  # of the second side
    equal: Truths  # up to rounding in every seed that both have


def sample(values: ArrayLike) -> Sample:
    """Mean, standard deviation and count over the last axis; non-finite values are missing."""
    x = np.asarray(values, dtype=np.float64)  # (..., seeds)
    there = np.isfinite(x)
    n = there.sum(axis=-1)
    if not there.all():
        x = np.where(there, x, 0.0)
    count = np.maximum(n, 1)
    mean = x.sum(axis=-1) / count
    apart = x - mean[..., None]
    if not there.all():
        apart = np.where(there, apart, 0.0)
    sd = np.sqrt((apart**2).sum(axis=-1) / np.maximum(n - 1, 1))
    sd = np.where(sd <= ROUNDING * np.abs(x).max(axis=-1, initial=0.0), 0.0, sd)
    return Sample(
        mean=np.where(n > 0, mean, np.nan), sd=np.where(n > 1, sd, np.nan), n=n.astype(np.int64)
    )


def half_width(of: Sample | Difference, level: float) -> Floats:
    """Half the two-sided t interval at confidence 1 - level (Student, 1908)."""
    # `level` may be small: the lower tail keeps its digits.
    return np.asarray(-stdtrit(of.freedom, level / 2) * of.error, dtype=np.float64)


def differs(of: Difference) -> Floats:
    """Two-sided p of the t test of no effect; NaN where `tested` is false."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(of.freedom, -np.abs(of.mean) / of.error)
    return np.where(of.tested, np.where(of.error > 0, p, 1.0), np.nan)


def lies_within(of: Difference, margin: float) -> Floats:
    """p of the two one-sided t tests against +-margin (Schuirmann, 1987); NaN as in `differs`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stdtr(of.freedom, (np.abs(of.mean) - margin) / of.error)
    return np.where(of.tested, np.where(of.error > 0, p, 0.0 if margin > 0 else 1.0), np.nan)


def holm(p: ArrayLike) -> Floats:
    """Holm's step-down adjustment (Holm, 1979) over the last axis.

    A contrast that could not be tested (NaN) counts in the family as if its p were 1: the family is
    what was planned, not what finished.
    """
    raw = np.asarray(p, dtype=np.float64)
    filled = np.where(np.isnan(raw), 1.0, raw)
    m = raw.shape[-1]
    order = np.argsort(filled, axis=-1, kind="stable")
    steps = np.take_along_axis(filled, order, axis=-1) * np.arange(m, 0, -1)
    rising = np.minimum(np.maximum.accumulate(steps, axis=-1), 1.0)
    adjusted = np.empty_like(filled)
    np.put_along_axis(adjusted, order, rising, axis=-1)
    return np.where(np.isnan(raw), np.nan, adjusted)


PERMUTED_FROM = 6  # seeds; fewer rarely reach a small p
TOLERANCE = 100 * float(np.finfo(np.float64).eps)  # of the difference: less is rounding


def permutation(a: Floats, b: Floats, *, by_pairs: bool) -> float:
    """Two-sided p of the difference of means when runs change sides.

    Exact up to 9,999 ways to divide the runs, else from as many drawn ones; NaN below 6 seeds.
    """
    if by_pairs:
        d = (a - b)[np.isfinite(a - b)]
        if len(d) < PERMUTED_FROM:
            return nan
        return _two_sided(np.where(_swaps(len(d)), -d, d).mean(axis=1), d.mean())
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if min(len(a), len(b)) < PERMUTED_FROM:
        return nan
    both = np.concatenate([a, b])[_orders(len(a), len(b))]  # (divisions, runs)
    null = both[:, : len(a)].mean(axis=1) - both[:, len(a) :].mean(axis=1)
    return _two_sided(null, a.mean() - b.mean())


def _two_sided(null: Floats, found: float) -> float:
    """The p of a difference among those of other divisions; drawn ones do not include it."""
    near, drawn = TOLERANCE * abs(found), int(len(null) == RESAMPLES)
    fewer = min(int((null <= found + near).sum()), int((null >= found - near).sum()))
    return min(1.0, 2 * (fewer + drawn) / (len(null) + drawn))


@lru_cache(maxsize=16)
def _orders(first: int, second: int) -> NDArray[np.int64]:
    """(divisions, runs): every division into groups of these sizes, or drawn ones."""
    n = first + second
    if comb(n, first) <= RESAMPLES:
        every = [(set(own), set(range(n)) - set(own)) for own in combinations(range(n), first)]
        return np.array([[*own, *others] for own, others in every])
    rng = np.random.default_rng(0)
    return np.array([rng.permutation(n) for _ in range(RESAMPLES)])


@lru_cache(maxsize=16)
def _swaps(pairs: int) -> Truths:
    """(divisions, pairs): which pairs change sides, in every way or in drawn ones."""
    if 2**pairs <= RESAMPLES:
        return np.array(list(product((False, True), repeat=pairs)))
    sides = np.tile([0, 1], (RESAMPLES, pairs, 1))
    return np.asarray(np.random.default_rng(0).permuted(sides, axis=-1)[..., 0] == 1)
