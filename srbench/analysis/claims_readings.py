"""A value of a claim as it was measured: exact, by seed, by round, or as a share of runs.

Values are joined seed by seed (or round by round) before anything is averaged, so a difference is
always taken within the seed. `below` and `above` are the one-sided p-values that all rules of
claims are made of.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtr

from srbench.analysis.significance import LEAST_SEEDS, RESAMPLES, Sample, half_width, sample

LEAST_ROUNDS = 20

Sign = Callable[[float, float], float]


class Unknown(Exception):
    """A quantity that was not measured, or cannot be computed; the text says why."""


@dataclass(frozen=True)
class Exact:
    """One figure without noise: a count, a published figure, an untrained network's score."""

    value: float
    count: ClassVar[int] = 0
    counted: ClassVar[str] = ""
    needed: ClassVar[int] = 0

    @property
    def interval(self) -> tuple[float, float]:
        return (self.value, self.value)


@dataclass(frozen=True)
class OfStudy:
    """A contrast that the study has judged: variant minus the other, in the metric's unit."""

    variant: str
    against: str
    word: str  # a verdict, or "identical"
    value: float
    interval: tuple[float, float]  # simultaneous
    count: int  # seeds of the variant
    counted: ClassVar[str] = "seed"

    def mirrored(self) -> OfStudy:
        """The other minus the variant; helps and hurts are of the metric's direction."""
        word = {"helps": "hurts", "hurts": "helps"}.get(self.word, self.word)
        low, high = self.interval
        return OfStudy(self.against, self.variant, word, -self.value, (-high, -low), self.count)


@dataclass(frozen=True)
class RunShare:
    """A share of the runs that show it, with the interval of Clopper and Pearson (1934)."""

    hits: int
    count: int
    unknown: int = 0  # runs that may do it or not; they are not in the count
    counted: ClassVar[str] = "run"
    needed: ClassVar[int] = LEAST_SEEDS

    @property
    def value(self) -> float:
        return self.hits / self.count

    @property
    def interval(self) -> tuple[float, float]:
        k, n = self.hits, self.count
        low = float(betaincinv(k, n - k + 1, 0.025)) if k else 0.0
        high = float(betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0
        return (low, high)


@dataclass(frozen=True)
class _Values:
    """Values by seed or by round; `needed` of them allow a verdict.

    `below(border)` is the one-sided p against "at or above the border": small shows that the value
    lies below. `above` likewise. An interval is that of 95 %, NaN where there is none.
    """

    values: Mapping[int, float]

    @property
    def count(self) -> int:
        """Seeds or rounds."""
        return len(self.values)

    @cached_property
    def array(self) -> NDArray[np.float64]:
        """The values in the order of seeds or rounds: (count,)."""
        return np.array([self.values[key] for key in sorted(self.values)], dtype=np.float64)


@dataclass(frozen=True)
class BySeed(_Values):
    """The mean over seeds, by Student's t; without any spread, an exact figure.

    Some values may be limits only (a level that was never reached): of a lower limit nothing shows
    that the value lies below a border.
    """

    at_least: int = 0  # how many are lower limits
    at_most: int = 0  # how many are upper limits
    bounds: tuple[float, float] = (-math.inf, math.inf)  # that no value can exceed
    counted: ClassVar[str] = "seed"
    needed: ClassVar[int] = LEAST_SEEDS

    @property
    def value(self) -> float:
        return float(self._sample.mean)

    @property
    def interval(self) -> tuple[float, float]:
        half = float(half_width(self._sample, 0.05))
        low, high = self.bounds
        return (max(self.value - half, low), min(self.value + half, high))

    @property
    def spread(self) -> float:
        """Standard deviation over seeds."""
        return float(self._sample.sd)

    def below(self, border: float) -> float:
        return 1.0 if self.at_least else self._one_sided(self.value - border)

    def above(self, border: float) -> float:
        return 1.0 if self.at_most else self._one_sided(border - self.value)

    def _one_sided(self, excess: float) -> float:
        if self.spread == 0:
            return float(excess >= 0)
        return float(stdtr(self.count - 1, excess / float(self._sample.error)))

    @cached_property
    def _sample(self) -> Sample:
        return sample(self.array)


@dataclass(frozen=True)
class ByRound(_Values):
    """The median over rounds, by percentile bootstrap (the same resamples every time)."""

    counted: ClassVar[str] = "round"
    needed: ClassVar[int] = LEAST_ROUNDS

    @property
    def value(self) -> float:
        return float(np.median(self.array))

    @property
    def interval(self) -> tuple[float, float]:
        low, high = np.quantile(self._medians, [0.025, 0.975])
        return (float(low), float(high))

    def below(self, border: float) -> float:
        return float((1 + np.sum(self._medians >= border)) / (1 + RESAMPLES))

    def above(self, border: float) -> float:
        return float((1 + np.sum(self._medians <= border)) / (1 + RESAMPLES))

    @cached_property
    def _medians(self) -> NDArray[np.float64]:
        """Medians of the resamples: (resamples,)."""
        drawn = np.random.default_rng(0).integers(0, self.count, (RESAMPLES, self.count))
        return np.asarray(np.median(self.array[drawn], axis=1), dtype=np.float64)


Sampled: TypeAlias = BySeed | ByRound
Reading: TypeAlias = Exact | Sampled


def join(sign: Sign, left: Reading, right: Reading) -> Reading:
    """Two readings joined seed by seed, over the seeds that both have.

    Raises:
        Unknown: they have no seed in common, or one divides by zero.
    """
    try:
        if isinstance(left, Exact):
            if isinstance(right, Exact):
                return Exact(sign(left.value, right.value))
            left = type(right)(dict.fromkeys(right.values, left.value))
        elif isinstance(right, Exact):
            right = type(left)(dict.fromkeys(left.values, right.value))
        if type(left) is not type(right):
            raise Unknown("scores are by seed and times by round: they do not pair")
        common = sorted(left.values.keys() & right.values.keys())
        if not common:
            raise Unknown(f"they have no {left.counted} in common")
        pairs = {k: sign(left.values[k], right.values[k]) for k in common}
    except ZeroDivisionError:
        raise Unknown("it divides by zero") from None
    if isinstance(left, BySeed) and isinstance(right, BySeed):
        return BySeed(pairs, *_limits(sign, left, right))
    return ByRound(pairs)


def _limits(sign: Sign, left: BySeed, right: BySeed) -> tuple[int, int]:
    least, most = right.at_least, right.at_most
    if sign is operator.sub:
        least, most = most, least
    least, most = left.at_least + least, left.at_most + most
    if (least and most) or (least + most and sign in (operator.mul, operator.truediv)):
        raise Unknown("some seeds never reach that level")
    return least, most
