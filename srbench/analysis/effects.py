"""Means with t intervals, and differences of means: the unit is the training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from srbench.analysis.contrasts import unpaired
from srbench.analysis.significance import half_width

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean with its two-sided t interval; the limits are NaN below two values."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def half(self) -> float:
        """Half the width; NaN without an interval."""
        return (self.high - self.low) / 2

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero; False without an interval."""
        return bool(self.low > 0 or self.high < 0)


def t_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The mean of independent values and its t interval (Student, 1908)."""
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    mean = float(x.mean()) if n else float("nan")
    if n < 2:
        return Interval(mean, float("nan"), float("nan"), n)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * float(x.std(ddof=1)) / n**0.5
    return Interval(mean, mean - half, mean + half, n)


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
    return Interval(mean, mean - half, mean + half, int(of.n[0]) if mean == mean else 0)
