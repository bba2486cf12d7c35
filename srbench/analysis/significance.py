"""p-values and half-widths of seed differences, for arrays with any leading axes.

The last axis is the seeds (or, for `holm`, the contrasts), so that the calibration simulates many
studies with the code that decides one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]

Better = Literal["higher", "lower"]

LEAST_SEEDS = 3  # fewer give a number and no verdict
RESAMPLES = 9_999  # of every bootstrap
SIGN_FLIP_FROM = 6  # fewer cannot give a p below 5 %
SIGN_FLIP_UP_TO = 40  # 2^20 sums in each half
CONSTANT = 1e-9  # an sd below this share of the largest difference is rounding error


@dataclass(frozen=True)
class Sample:
    """Mean, standard deviation and count of the finite values of each row."""

    mean: Floats  # (...,); NaN without a value
    sd: Floats  # NaN below two values; exactly 0 if they are equal up to rounding
    n: NDArray[np.int64]

    @property
    def freedom(self) -> Floats:
        """Degrees of freedom, at least 1, so that no formula divides by zero."""
        return np.maximum(self.n - 1, 1).astype(np.float64)

    @property
    def error(self) -> Floats:
        """Standard error of the mean."""
        return self.sd / np.sqrt(np.maximum(self.n, 1))

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Rows with enough seeds for a t test, and a spread unless all values are zero."""
        spread = (self.sd > 0) | (self.mean == 0)
        return np.asarray((self.n >= LEAST_SEEDS) & spread, dtype=np.bool_)


def sample(differences: ArrayLike) -> Sample:
    """Mean, standard deviation and count over the last axis; non-finite values are missing."""
    x = np.asarray(differences, dtype=np.float64)  # (..., seeds)
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
    largest = np.abs(x).max(axis=-1, initial=0.0)
    sd = np.where(sd <= CONSTANT * largest, 0.0, sd)
    return Sample(
        mean=np.where(n > 0, mean, np.nan), sd=np.where(n > 1, sd, np.nan), n=n.astype(np.int64)
    )


def half_width(of: Sample, level: float) -> Floats:
    """Half the two-sided t interval at confidence 1 - level (Student, 1908)."""
    # `level` may be 1e-18 (a first look): the lower tail keeps its digits.
    return np.asarray(-stdtrit(of.freedom, level / 2) * of.error, dtype=np.float64)


def differs(of: Sample) -> Floats:
    """Two-sided p of the paired t test of no effect; NaN where `tested` is false."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(of.freedom, -np.abs(of.mean) / of.error)
    return np.where(of.tested, np.where(of.sd > 0, p, 1.0), np.nan)


def lies_within(of: Sample, margin: float) -> Floats:
    """p of the two one-sided t tests against +-margin (Schuirmann, 1987); NaN as in `differs`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stdtr(of.freedom, (np.abs(of.mean) - margin) / of.error)
    return np.where(of.tested, np.where(of.sd > 0, p, 0.0 if margin > 0 else 1.0), np.nan)


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


def sign_flip(differences: ArrayLike) -> float:
    """Exact two-sided p of the mean under flipped signs (Fisher, 1935); NaN unless 6 to 40 seeds.

    All 2^n sums are counted by combining the sorted sums of two halves.
    """
    x = np.asarray(differences, dtype=np.float64)
    x = x[np.isfinite(x)]
    n = len(x)
    if not SIGN_FLIP_FROM <= n <= SIGN_FLIP_UP_TO:
        return float("nan")
    left, right = _signed_sums(x[: n // 2]), np.sort(_signed_sums(x[n // 2 :]))
    least = abs(float(x.sum())) - 1e-12 * float(np.abs(x).sum())  # tolerance for rounding
    if least <= 0:
        return 1.0
    above = len(right) - np.searchsorted(right, least - left, side="left")
    return min(1.0, 2 * float(above.sum()) / 2.0**n)  # the sums are symmetric


def _signed_sums(x: Floats) -> Floats:
    sums = np.zeros(1)
    for value in x:
        sums = np.concatenate([sums + value, sums - value])
    return sums
