"""How sure a number is: tail probabilities against any border, and the 95 % interval.

Values by seed: Student's t over the (paired) values. Values by round: percentile bootstrap of the
median, from 20 rounds on. Exact figures: no doubt either way. All rules of claims are made from
`below` and `above`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from srbench.analysis.claims_evidence import Exact, Reading
from srbench.analysis.significance import LEAST_SEEDS, Sample, half_width, sample

LEAST_ROUNDS = 20
_RESAMPLES = 9_999


class Estimate(ABC):
    """A number with its doubt."""

    counted: str = ""  # what it is counted in: seed, round, nothing for an exact figure

    @property
    @abstractmethod
    def value(self) -> float:
        """The number itself."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Seeds or rounds; 0 for an exact figure."""

    @abstractmethod
    def below(self, border: float) -> float:
        """One-sided p against "at or above the border": small shows that it lies below."""

    @abstractmethod
    def above(self, border: float) -> float:
        """One-sided p against "at or below the border": small shows that it lies above."""

    @property
    @abstractmethod
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; NaN where there is none."""

    @property
    def decides(self) -> bool:
        """Whether there are values enough for a verdict."""
        return True

    @property
    def spread(self) -> float:
        """Standard deviation over seeds; NaN where that is not what it rests on."""
        return float("nan")


@dataclass(frozen=True)
class Certain(Estimate):
    """An exact figure."""

    figure: float

    @property
    def value(self) -> float:
        return self.figure

    @property
    def count(self) -> int:
        return 0

    def below(self, border: float) -> float:
        return 0.0 if self.value < border else 1.0

    def above(self, border: float) -> float:
        return 0.0 if self.value > border else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        return (self.value, self.value)


@dataclass(frozen=True)
class OverSeeds(Estimate):
    """The mean over seeds, by Student's t; without any spread, an exact figure."""

    values: tuple[float, ...]
    counted: str = field(default="seed", init=False)

    @property
    def value(self) -> float:
        return float(self._sample.mean)

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def decides(self) -> bool:
        return self.count >= LEAST_SEEDS

    @property
    def spread(self) -> float:
        return float(self._sample.sd)

    def below(self, border: float) -> float:
        if self.spread == 0:
            return float(self.value >= border)
        return float(stdtr(self.count - 1, (self.value - border) / float(self._sample.error)))

    def above(self, border: float) -> float:
        if self.spread == 0:
            return float(self.value <= border)
        return float(stdtr(self.count - 1, (border - self.value) / float(self._sample.error)))

    @property
    def interval(self) -> tuple[float, float]:
        half = float(half_width(self._sample, 0.05))
        return (self.value - half, self.value + half)

    @cached_property
    def _sample(self) -> Sample:
        return sample(self.values)


@dataclass(frozen=True)
class OverRounds(Estimate):
    """The median over rounds, by percentile bootstrap (the same resamples every time)."""

    values: tuple[float, ...]
    counted: str = field(default="round", init=False)

    @property
    def value(self) -> float:
        return float(np.median(self.values))

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def decides(self) -> bool:
        return self.count >= LEAST_ROUNDS

    @cached_property
    def medians(self) -> NDArray[np.float64]:
        rng = np.random.default_rng(0)
        drawn = rng.integers(0, self.count, (_RESAMPLES, self.count))
        medians: NDArray[np.float64] = np.median(np.asarray(self.values)[drawn], axis=1)
        return medians

    def below(self, border: float) -> float:
        return float((1 + np.sum(self.medians >= border)) / (1 + _RESAMPLES))

    def above(self, border: float) -> float:
        return float((1 + np.sum(self.medians <= border)) / (1 + _RESAMPLES))

    @property
    def interval(self) -> tuple[float, float]:
        low, high = np.quantile(self.medians, [0.025, 0.975])
        return (float(low), float(high))


def estimate(reading: Reading) -> Estimate:
    """The estimate that fits what was read."""
    if isinstance(reading, Exact):
        return Certain(reading.value)
    values = tuple(reading.values[key] for key in sorted(reading.values))
    return OverSeeds(values) if reading.by == "seed" else OverRounds(values)
