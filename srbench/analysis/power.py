"""What a number of seeds can show: detectable effect, power, seeds needed, noise floor.

Studies are simulated, with the arithmetic of the verdicts and always the same random numbers.
All variants have one spread over seeds. Power is that of the first Holm step, level 0.05/m: a
lower bound if several contrasts have an effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, stdtrit

from srbench.analysis.contrasts import BORROWED, welch
from srbench.analysis.significance import LEAST_SEEDS, Floats, sample

BUDGET = 100  # seeds; a need for more is "not at this budget"
CHANCE = 0.8  # power
LEVEL = 0.05
STUDIES = 4_000  # simulated


@dataclass(frozen=True)
class MoreSeeds:
    """Additional seeds for one unresolved contrast; None is more than `BUDGET`."""

    likely: int | None  # a verdict in 4 of 5 studies, if the effect is as estimated
    certain: int | None  # an interval so narrow that there is a verdict whatever the effect is


@dataclass(frozen=True)
class NoiseFloor:
    """Standard deviation of baseline - salted baseline for one seed, with a 95 % interval."""

    sd: float
    low: float
    high: float
    freedom: int  # degrees of freedom


def noise_floor(differences: ArrayLike) -> NoiseFloor:
    """The noise of differences between runs that differ in the salt only: (salts, seeds).

    Squared deviations from each salt's mean are pooled. NaN if every row has fewer than two values.
    """
    of = sample(np.atleast_2d(np.asarray(differences, dtype=np.float64)))
    used = of.n > 1
    freedom = int((of.n[used] - 1).sum())
    if not freedom:
        return NoiseFloor(float("nan"), float("nan"), float("nan"), 0)
    sd = float(np.sqrt((of.sd[used] ** 2 * (of.n[used] - 1)).sum() / freedom))
    low, high = (sd * float(np.sqrt(freedom / chdtri(freedom, p))) for p in (0.025, 0.975))
    return NoiseFloor(sd, low, high, freedom)


def baseline_seeds(seeds: int, variants: int) -> int:
    """Seeds of a baseline that so many variants are compared with (Dunnett, 1955): sqrt(m) times.

    Below 3 seeds there is no verdict, and the baseline has as many as the variants.
    """
    return max(seeds, round(seeds * variants**0.5)) if seeds >= LEAST_SEEDS else seeds


def detectable(seeds: int, contrasts: int = 1, baseline: int | None = None) -> float:
    """The effect that is found in 4 of 5 studies, in standard deviations of a run.

    Infinite below 3 seeds. `baseline` is the baseline's number of seeds, by default
    `baseline_seeds`.
    """
    if seeds < LEAST_SEEDS:
        return float("inf")
    half = _half(seeds, contrasts, baseline, LEVEL / contrasts / 2)
    return float(np.quantile(half - _noise(seeds, contrasts, baseline), CHANCE))


def power(effect: float, seeds: int, contrasts: int = 1, baseline: int | None = None) -> float:
    """The share of studies that find an effect, in standard deviations of a run."""
    if seeds < LEAST_SEEDS:
        return 0.0
    half = _half(seeds, contrasts, baseline, LEVEL / contrasts / 2)
    return float((np.abs(effect + _noise(seeds, contrasts, baseline)) > half).mean())


def equivalence_power(effect: float, min_effect: float, seeds: int, contrasts: int = 1) -> float:
    """The share of studies that call this effect equivalent; both in deviations of a run."""
    if seeds < LEAST_SEEDS:
        return 0.0
    far = np.abs(effect + _noise(seeds, contrasts, None))
    return float((far + _half(seeds, contrasts, None, LEVEL / contrasts) <= min_effect).mean())


def more_seeds(
    effect: float, sd: float, seeds: int, min_effect: float, contrasts: int = 1
) -> MoreSeeds:
    """The seeds that an unresolved contrast lacks, if its effect and spread are as estimated.

    With a half-width of min_effect/2 the interval excludes zero or lies within +-min_effect.
    """

    def likely(n: int) -> bool:
        far = np.abs(effect / sd + _noise(n, contrasts, None))
        different = far > _half(n, contrasts, None, LEVEL / contrasts / 2)
        equal = far + _half(n, contrasts, None, LEVEL / contrasts) <= min_effect / sd
        return bool((different | equal).mean() >= CHANCE)

    def certain(n: int) -> bool:
        half = _half(n, contrasts, None, LEVEL / contrasts / 2)
        return bool((half * sd <= min_effect / 2).mean() >= CHANCE)

    ends = (_first(one, start=seeds + 1, stop=seeds + BUDGET) for one in (likely, certain))
    return MoreSeeds(*(None if total is None else total - seeds for total in ends))


def _first(holds: Callable[[int], bool], start: int, stop: int) -> int | None:
    """The first n in start..stop for which `holds` is true; it must be monotone."""
    if not holds(stop):
        return None
    low, high = start - 1, stop  # `high` holds; `low` does not, or is below start
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


@lru_cache(maxsize=512)
def _noise(seeds: int, contrasts: int, baseline: int | None) -> Floats:
    """The difference of means of one contrast without an effect, in many studies."""
    n0 = baseline or baseline_seeds(seeds, contrasts)
    noise = np.random.default_rng(0).standard_normal(STUDIES)
    return np.asarray(noise * (1 / seeds + 1 / n0) ** 0.5, dtype=np.float64)


@lru_cache(maxsize=512)
def _half(seeds: int, contrasts: int, baseline: int | None, tail: float) -> Floats:
    """Half the interval that leaves `tail` on each side, in the same studies."""
    n0 = baseline or baseline_seeds(seeds, contrasts)
    rng = np.random.default_rng(1)
    own = rng.chisquare(seeds - 1, STUDIES) / (seeds - 1)
    reference = rng.chisquare(n0 - 1, STUDIES) / (n0 - 1)
    degrees = seeds - 1.0
    if others := (contrasts - 1) * (seeds - 1):
        pooled = (rng.chisquare(others, STUDIES) + (seeds - 1) * own) / (contrasts * (seeds - 1))
        own = np.maximum(own, (own + pooled) / 2)
        degrees += min(BORROWED, others)
    both = np.full(STUDIES, degrees), np.full(STUDIES, n0 - 1.0)
    error, freedom = welch(own, seeds, both[0], reference, n0, both[1])
    return np.asarray(-stdtrit(freedom, tail) * error, dtype=np.float64)
