"""What a number of seeds can show: detectable effect, power, seeds needed, noise floor.

Studies are simulated, with the arithmetic of the verdicts and always the same random numbers.
All variants have one spread over seeds, the baseline may have another. Power is that of the first
Holm step, level 0.05/m: a lower bound if several contrasts have an effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import chdtri, stdtrit

from srbench.analysis.effects import Interval, borrowed, welch
from srbench.analysis.significance import LEAST_SEEDS, Floats, Truths, sample

BUDGET = 100  # seeds; a need for more is "not at this budget"
CHANCE = 0.8  # power
LEVEL = 0.05
STUDIES = 4_000  # simulated
GRID = 64  # degrees of freedom at which bounds of the t quantile are computed


@dataclass(frozen=True)
class MoreSeeds:
    """Additional seeds for one unresolved contrast; None is more than `BUDGET`."""

    likely: int | None  # a verdict in 4 of 5 studies, if the effect is as estimated
    certain: int | None  # an interval so narrow that there is a verdict whatever the effect is


def noise_floor(differences: Sequence[float]) -> Interval:
    """Standard deviation of baseline - salted baseline for one seed, with its 95 % interval."""
    freedom, sd = len(differences) - 1, float(sample(differences).sd)
    low, high = (sd * float(np.sqrt(freedom / chdtri(freedom, p))) for p in (0.025, 0.975))
    return Interval(sd, low, high, len(differences))


def baseline_seeds(seeds: int, variants: int) -> int:
    """Seeds of a baseline that so many variants are compared with (Dunnett, 1955): sqrt(m) times.

    Below 3 seeds there is no verdict, and the baseline has as many as the variants.
    """
    return max(seeds, round(seeds * variants**0.5)) if seeds >= LEAST_SEEDS else seeds


def detectable(
    seeds: int, contrasts: int = 1, baseline: int | None = None, ratio: float = 1.0
) -> float:
    """The effect that is found in 4 of 5 studies, in standard deviations of a run.

    Infinite below 3 seeds. `baseline` is the baseline's number of seeds, by default
    `baseline_seeds`; `ratio` its standard deviation in those of a variant.
    """
    if seeds < LEAST_SEEDS:
        return float("inf")
    studies = _Studies(seeds, contrasts, baseline, ratio)
    return float(np.quantile(studies.half(LEVEL / contrasts / 2) - studies.noise, CHANCE))


def power(effect: float, seeds: int, contrasts: int = 1) -> float:
    """The share of studies that find an effect, in standard deviations of a run."""
    if seeds < LEAST_SEEDS:
        return 0.0
    studies = _Studies(seeds, contrasts)
    return float((np.abs(effect + studies.noise) > studies.half(LEVEL / contrasts / 2)).mean())


def equivalence_power(effect: float, min_effect: float, seeds: int, contrasts: int = 1) -> float:
    """The share of studies that call this effect equivalent; both in deviations of a run."""
    if seeds < LEAST_SEEDS:
        return 0.0
    studies = _Studies(seeds, contrasts)
    far = np.abs(effect + studies.noise) + studies.half(LEVEL / contrasts)
    return float((far <= min_effect).mean())


def more_seeds(
    effect: float,
    min_effect: float,
    seeds: tuple[int, int],
    contrasts: int = 1,
    ratio: float = 1.0,
) -> MoreSeeds:
    """The seeds that an unresolved contrast lacks, if the spread is as estimated.

    `seeds` are those of the variant and of the other side, which grow in proportion. Effects are
    in standard deviations of a run of the variant; `ratio` is that of the other side. With a
    half-width of min_effect/2 the interval excludes zero or lies within +-min_effect.
    """
    own, other = seeds

    def studies_of(n: int) -> _Studies:
        return _Studies(n, contrasts, max(round(n * other / own), LEAST_SEEDS), ratio)

    def likely(n: int) -> bool:
        studies = studies_of(n)
        far = np.abs(effect + studies.noise)
        different = studies.within(far, LEVEL / contrasts / 2)
        equal = studies.within(min_effect - far, LEVEL / contrasts)
        return bool((different | equal).mean() >= CHANCE)

    def certain(n: int) -> bool:
        half = np.full(STUDIES, min_effect / 2)
        return bool(studies_of(n).within(half, LEVEL / contrasts / 2).mean() >= CHANCE)

    ends = (_first(one, start=own + 1, stop=own + BUDGET) for one in (likely, certain))
    return MoreSeeds(*(None if total is None else total - own for total in ends))


def _first(holds: Callable[[int], bool], start: int, stop: int) -> int | None:
    """The first n in start..stop for which `holds` is true; it must be monotone."""
    if not holds(stop):
        return None
    low, high = start - 1, stop  # `high` holds; `low` does not, or is below start
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class _Studies:
    """One contrast without an effect in many studies; a variant's run deviates by 1."""

    seeds: int
    contrasts: int
    baseline: int | None = None
    ratio: float = 1.0

    @property
    def others(self) -> int:
        """The baseline's seeds."""
        return self.baseline or baseline_seeds(self.seeds, self.contrasts)

    @property
    def noise(self) -> Floats:
        """The difference of means."""
        sd = (1 / self.seeds + self.ratio**2 / self.others) ** 0.5
        return np.asarray(_normal() * sd)

    def half(self, tail: float) -> Floats:
        """Half the interval that leaves `tail` on each side."""
        error, freedom = _errors(self)
        return np.asarray(-stdtrit(freedom, tail) * error, dtype=np.float64)

    def within(self, limit: Floats, tail: float) -> Truths:
        """Whether `half` is at most the limit of each study.

        The t quantile falls as its degrees of freedom grow, so those of a few degrees decide most
        studies, and only the others need a quantile of their own.
        """
        error, freedom = _errors(self)
        low, step = freedom.min(), (np.ptp(freedom) or 1.0) / (GRID - 1)
        below = np.minimum(((freedom - low) / step).astype(np.intp), GRID - 2)  # place on the grid
        quantile = -stdtrit(low + step * np.arange(GRID), tail)
        found = np.asarray(quantile[below] * error <= limit)
        near = ~found & (quantile[below + 1] * error <= limit)
        found[near] = -stdtrit(freedom[near], tail) * error[near] <= limit[near]
        return found


@lru_cache(maxsize=1)
def _normal() -> Floats:
    return np.random.default_rng(0).standard_normal(STUDIES)


@lru_cache(maxsize=256)
def _errors(of: _Studies) -> tuple[Floats, Floats]:
    """The standard error of each study's difference, and its degrees of freedom."""
    n, n0 = of.seeds, of.others
    own, reference, rest = _draws(n, n0, of.contrasts)
    own = own / (n - 1)
    reference = of.ratio**2 * reference / (n0 - 1)
    degrees = n - 1.0
    if others := (of.contrasts - 1) * (n - 1):
        pooled = (rest + (n - 1) * own) / (of.contrasts * (n - 1))
        own = np.maximum(own, (own + pooled) / 2)
        degrees += float(borrowed(np.array(float(others))))
    both = np.full(STUDIES, degrees), np.full(STUDIES, n0 - 1.0)
    return welch(own, n, both[0], reference, n0, both[1])


@lru_cache(maxsize=256)
def _draws(n: int, n0: int, contrasts: int) -> tuple[Floats, Floats, Floats]:
    """Sums of squares of a variant, of the baseline, and of all other variants together."""
    rng = np.random.default_rng(1)
    own, reference = rng.chisquare(n - 1, STUDIES), rng.chisquare(n0 - 1, STUDIES)
    others = (contrasts - 1) * (n - 1)
    return own, reference, rng.chisquare(others, STUDIES) if others else np.zeros(STUDIES)
