"""Effects: the difference of a variant from the baseline, paired by seed.

The unit is the training run. Two variants trained with one seed share patches, order and common
initial weights, so the difference is taken within the seed, and the interval is the t interval of
those differences. The simultaneous interval (Bonferroni over all contrasts of the study) is for
reading many rows at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Effect:
    """variant - baseline over the seeds that both have finished, in the metric's unit."""

    variant: str
    seeds: tuple[int, ...]
    differences: tuple[float, ...]  # one per seed
    mean: float
    low: float  # 95 % t interval
    high: float
    simultaneous_low: float  # 1 - 0.05/m, m contrasts
    simultaneous_high: float
    spread: float  # standard deviation of the differences

    @property
    def pairs(self) -> int:
        """Seeds that both the variant and the baseline have."""
        return len(self.seeds)

    @property
    def excludes_zero(self) -> bool:
        """Whether the 95 % interval lies on one side of zero; False without an interval."""
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


def paired_effect(
    variant: str,
    scores: Mapping[int, float],
    baseline: Mapping[int, float],
    contrasts: int = 1,
) -> Effect:
    """The effect of one variant from scores by seed; a seed missing in either is left out.

    `contrasts` is the number of variants compared with the baseline (Bonferroni's m).
    """
    seeds = tuple(sorted(s for s in scores if _finite(scores, s) and _finite(baseline, s)))
    differences = tuple(float(scores[s]) - float(baseline[s]) for s in seeds)
    single = t_interval(differences)
    family = t_interval(differences, 1 - (1 - CONFIDENCE) / max(contrasts, 1))
    spread = float(np.std(differences, ddof=1)) if len(seeds) > 1 else float("nan")
    return Effect(
        variant=variant,
        seeds=seeds,
        differences=differences,
        mean=single.mean,
        low=single.low,
        high=single.high,
        simultaneous_low=family.low,
        simultaneous_high=family.high,
        spread=spread,
    )


def _finite(values: Mapping[int, float], seed: int) -> bool:
    return seed in values and bool(np.isfinite(values[seed]))
