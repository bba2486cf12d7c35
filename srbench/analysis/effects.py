"""Means with t intervals, and differences paired by seed.

The unit is the training run. Two variants trained with one seed share patches, order and common
initial weights, so their difference is taken within the seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from scipy.special import stdtrit

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


def paired(
    scores: Mapping[int, float], baseline: Mapping[int, float], confidence: float = CONFIDENCE
) -> Interval:
    """Scores minus a baseline's, by seed; a seed without a finite score in both is left out."""
    seeds = [s for s in sorted(scores) if isfinite(scores[s]) and isfinite(baseline.get(s, np.nan))]
    return t_interval([scores[seed] - baseline[seed] for seed in seeds], confidence)
