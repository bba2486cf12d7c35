"""What a number of seeds can show: noise floor, power, detectable effect, seeds needed.

Power is that of the first Holm step, level 0.05/m: exact for an effect that stands alone among m
contrasts, a lower bound where several are real. `level` is the family's error rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, ndtr, roots_legendre, stdtrit

from srbench.analysis.significance import Floats, sample

BUDGET = 100  # more seeds than this are "not at this budget"
CHANCE = 0.8  # power asked for by default
SPREAD = 0.8  # confidence of the spread behind a range of seeds
_NODES, _WEIGHTS = roots_legendre(400)


@dataclass(frozen=True)
class MoreSeeds:
    """How many more seeds a verdict takes, as a range; None is "not at this budget"."""

    low: int | None
    high: int | None


@dataclass(frozen=True)
class NoiseFloor:
    """Standard deviation of baseline - salted baseline for one seed, with a 95 % interval."""

    sd: float
    low: float
    high: float
    freedom: int  # degrees of freedom


def noise_floor(differences: ArrayLike) -> NoiseFloor:
    """The noise of a difference in which nothing differs but the salt: (salts, seeds) or (seeds,).

    Each salt's mean is taken out and the squares are pooled. A salted run shares no stream with
    its partner, so this is the noise of an unpaired difference: what pairing by seed saves is not
    in it. NaN below two values in every row.
    """
    of = sample(np.atleast_2d(np.asarray(differences, dtype=np.float64)))
    used = of.n > 1
    freedom = int((of.n[used] - 1).sum())
    if not freedom:
        return NoiseFloor(float("nan"), float("nan"), float("nan"), 0)
    sd = float(np.sqrt((of.sd[used] ** 2 * (of.n[used] - 1)).sum() / freedom))
    low, high = spread_interval(sd, freedom, 0.95)
    return NoiseFloor(sd, low, high, freedom)


def spread_interval(sd: float, freedom: int, confidence: float = SPREAD) -> tuple[float, float]:
    """The chi-squared interval of a normal standard deviation."""
    upper, lower = chdtri(freedom, (1 - confidence) / 2), chdtri(freedom, (1 + confidence) / 2)
    return sd * float(np.sqrt(freedom / upper)), sd * float(np.sqrt(freedom / lower))


def power(effect: float, sd: float, n: int, contrasts: int = 1, level: float = 0.05) -> float:
    """Chance that n seeds call this true effect different, either way.

    sd is that of the differences. The noncentral t by integrating over the spread that is met.
    """
    if n < 2:
        return 0.0
    if sd == 0:
        return 1.0 if effect else 0.0
    critical = -float(stdtrit(n - 1, level / contrasts / 2))
    shift = abs(effect) / sd * n**0.5

    def chance(s: Floats) -> Floats:
        return np.asarray(ndtr(shift - critical * s) + ndtr(-shift - critical * s))

    return _over_spread(n, chance)


def equivalence_power(
    effect: float, sd: float, n: int, min_effect: float, contrasts: int = 1, level: float = 0.05
) -> float:
    """Chance that n seeds call this true effect equivalent: two one-sided tests, +-min_effect."""
    if n < 2:
        return 0.0
    if sd == 0:
        return 1.0 if abs(effect) < min_effect else 0.0
    critical = -float(stdtrit(n - 1, level / contrasts))
    unit = n**0.5 / sd
    lower, upper = (-min_effect - effect) * unit, (min_effect - effect) * unit

    def chance(s: Floats) -> Floats:
        return np.asarray(np.maximum(ndtr(upper - critical * s) - ndtr(lower + critical * s), 0.0))

    return _over_spread(n, chance)


def detectable(
    sd: float, n: int, contrasts: int = 1, level: float = 0.05, chance: float = CHANCE
) -> float:
    """The smallest true effect that n seeds call different with this chance; inf below 2."""
    if n < 2:
        return float("inf")
    if sd == 0:
        return 0.0
    critical = -float(stdtrit(n - 1, level / contrasts / 2))
    top = 1.0
    while power(top, 1.0, n, contrasts, level) < chance:
        top *= 2
        if top > 1e6 * critical:
            return float("inf")
    low = 0.0
    while top - low > 1e-10:  # scipy.optimize would take longer to import
        middle = (low + top) / 2
        is_enough = power(middle, 1.0, n, contrasts, level) >= chance
        low, top = (low, middle) if is_enough else (middle, top)
    return sd * top


def seeds_to_detect(
    effect: float, sd: float, contrasts: int = 1, level: float = 0.05, chance: float = CHANCE
) -> int | None:
    """The fewest seeds (3 to 100) that call this effect different with this chance, or None."""
    return _first(lambda n: power(effect, sd, n, contrasts, level) >= chance, start=3, stop=BUDGET)


def seeds_to_decide(
    sd: float, min_effect: float, contrasts: int = 1, start: int = 3, stop: int = BUDGET
) -> int | None:
    """The fewest seeds whose simultaneous half-width is at most min_effect/2, or None.

    Then a verdict must come: the interval leaves zero out, or it lies within +-min_effect.
    """

    def narrow(n: int) -> bool:
        return bool(-stdtrit(n - 1, 0.05 / contrasts / 2) * sd / n**0.5 <= min_effect / 2)

    return _first(narrow, start=start, stop=stop)


def more_seeds(sd: float, n: int, min_effect: float, contrasts: int = 1) -> MoreSeeds:
    """About how many more seeds until a verdict must come, from the spread's 80 % interval."""
    ends = []
    for spread in spread_interval(sd, n - 1):
        total = seeds_to_decide(spread, min_effect, contrasts, start=n + 1, stop=n + BUDGET)
        ends.append(None if total is None else total - n)
    return MoreSeeds(*ends)


def _first(holds: Callable[[int], bool], start: int, stop: int) -> int | None:
    """The first n in start..stop from which `holds` is true; it must not turn false again."""
    if not holds(stop):
        return None
    low, high = start - 1, stop  # `high` holds, `low` does not or lies before the start
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _over_spread(n: int, chance: Callable[[Floats], Floats]) -> float:
    """The mean of chance(s) where s is the spread met over the true one, chi/sqrt(n - 1)."""
    probability = (1 + _NODES) / 2
    s = np.sqrt(chdtri(n - 1, 1 - probability) / (n - 1))
    return float((chance(s) * _WEIGHTS).sum() / 2)
