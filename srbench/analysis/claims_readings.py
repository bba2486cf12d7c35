"""A value of a claim as it was measured: exact, by seed, by round, or as a share of runs.

Values are joined seed by seed (or round by round) before anything is averaged, so a difference is
always taken within the seed. `below` and `above` are the one-sided p-values that all rules of
claims are made of.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
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

    @property
    def interval(self) -> tuple[float, float]:
        return (self.value, self.value)


@dataclass(frozen=True)
class RunShare:
    """A share of runs, with the interval of Clopper and Pearson (1934)."""

    hits: int
    count: int
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
class Sampled(ABC):
    """Values by seed or by round."""

    values: Mapping[int, float]
    counted: ClassVar[str]
    needed: ClassVar[int]  # values that a verdict needs

    @property
    def count(self) -> int:
        """Seeds or rounds."""
        return len(self.values)

    @property
    @abstractmethod
    def value(self) -> float:
        """The mean or median."""

    @property
    @abstractmethod
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; NaN where there is none."""

    @abstractmethod
    def below(self, border: float) -> float:
        """One-sided p against "at or above the border": small shows that the value lies below."""

    @abstractmethod
    def above(self, border: float) -> float:
        """One-sided p against "at or below the border": small shows that the value lies above."""

    @cached_property
    def array(self) -> NDArray[np.float64]:
        """The values in the order of seeds or rounds: (count,)."""
        return np.array([self.values[key] for key in sorted(self.values)], dtype=np.float64)


@dataclass(frozen=True)
class BySeed(Sampled):
    """The mean over seeds, by Student's t; without any spread, an exact figure.

    Some values may be limits only (a level that was never reached): of a lower limit nothing shows
    that the value lies below a border.
    """

    at_least: int = 0  # how many are lower limits
    at_most: int = 0  # how many are upper limits
    counted = "seed"
    needed = LEAST_SEEDS

    @property
    def value(self) -> float:
        return float(self._sample.mean)

    @property
    def interval(self) -> tuple[float, float]:
        half = float(half_width(self._sample, 0.05))
        return (self.value - half, self.value + half)

    @property
    def spread(self) -> float:
        """Standard deviation over seeds."""
        return float(self._sample.sd)

    def below(self, border: float) -> float:
        if self.at_least:
            return 1.0
        if self.spread == 0:
            return float(self.value >= border)
        return float(stdtr(self.count - 1, (self.value - border) / float(self._sample.error)))

    def above(self, border: float) -> float:
        if self.at_most:
            return 1.0
        if self.spread == 0:
            return float(self.value <= border)
        return float(stdtr(self.count - 1, (border - self.value) / float(self._sample.error)))

    @cached_property
    def _sample(self) -> Sample:
        return sample(self.array)


@dataclass(frozen=True)
class ByRound(Sampled):
    """The median over rounds, by percentile bootstrap (the same resamples every time)."""

    counted = "round"
    needed = LEAST_ROUNDS

    @property
    def value(self) -> float:
        return float(np.median(self.array))

    @property
    def interval(self) -> tuple[float, float]:
        low, high = np.quantile(self.medians, [0.025, 0.975])
        return (float(low), float(high))

    def below(self, border: float) -> float:
        return float((1 + np.sum(self.medians >= border)) / (1 + RESAMPLES))

    def above(self, border: float) -> float:
        return float((1 + np.sum(self.medians <= border)) / (1 + RESAMPLES))

    @cached_property
    def medians(self) -> NDArray[np.float64]:
        """Medians of the resamples: (resamples,)."""
        drawn = np.random.default_rng(0).integers(0, self.count, (RESAMPLES, self.count))
        return np.asarray(np.median(self.array[drawn], axis=1), dtype=np.float64)


Reading: TypeAlias = Exact | BySeed | ByRound


def join(sign: Sign, left: Reading, right: Reading) -> Reading:
    """Two readings joined seed by seed, over the seeds that both have.

    Raises:
        Unknown: they have no seed in common, or one divides by zero.
    """
    try:
        if isinstance(left, Exact):
            if isinstance(right, Exact):
                return Exact(sign(left.value, right.value))
            return _paired(sign, _repeated(left, right), right)
        return _paired(sign, left, _repeated(right, left) if isinstance(right, Exact) else right)
    except ZeroDivisionError:
        raise Unknown("it divides by zero") from None


def _repeated(figure: Exact, like: BySeed | ByRound) -> BySeed | ByRound:
    return type(like)(dict.fromkeys(like.values, figure.value))


def _paired(sign: Sign, left: BySeed | ByRound, right: BySeed | ByRound) -> Reading:
    common = sorted(left.values.keys() & right.values.keys())
    if type(left) is not type(right):
        raise Unknown("scores are by seed and times by round: they do not pair")
    if not common:
        raise Unknown(f"they have no {left.counted} in common")
    pairs = {k: sign(left.values[k], right.values[k]) for k in common}
    if isinstance(left, BySeed) and isinstance(right, BySeed):
        return BySeed(pairs, *_limits(sign, left, right))
    return ByRound(pairs)


def _limits(sign: Sign, left: BySeed, right: BySeed) -> tuple[int, int]:
    turned = sign is operator.sub
    at_least = left.at_least + (right.at_most if turned else right.at_least)
    at_most = left.at_most + (right.at_least if turned else right.at_most)
    if (at_least and at_most) or (at_least + at_most and sign in (operator.mul, operator.truediv)):
        raise Unknown("some seeds never reach that level")
    return at_least, at_most
