"""What a number of seeds can show: noise floor, power, detectable effect, seeds needed.

Power is that of the first Holm step, level 0.05/m: exact if one of m contrasts has an effect, a
lower bound if several have. `level` is the error rate of the family.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, ndtr, roots_legendre, stdtrit

from srbench.analysis.significance import Floats, sample

BUDGET = 100  # seeds; a need for more is "not at this budget"
CHANCE = 0.8  # default power
SPREAD = 0.8  # confidence of the standard deviation that a range of seeds is computed from
_NODES, _WEIGHTS = roots_legendre(400)


@dataclass(frozen=True)
class MoreSeeds:
    """The range of additional seeds that a verdict needs; None is "not at this budget"."""

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
    """The noise of differences between runs that differ in the salt only: (salts, seeds).

    Squared deviations from each salt's mean are pooled. A salted run shares no random stream with
    its partner, so this is the noise of an unpaired difference, without the gain of pairing by
    seed. NaN if every row has fewer than two values.
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
    """Probability that n seeds call this true effect different, in either direction.

    sd is that of the differences. The noncentral t is integrated over the sample's sd.
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
    """Probability that two one-sided tests on n seeds call this true effect equivalent."""
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
    """The smallest true effect that n seeds call different with this power; inf below 2 seeds."""
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


def seeds_to_decide(
    sd: float, min_effect: float, contrasts: int = 1, start: int = 3, stop: int = BUDGET
) -> int | None:
    """The fewest seeds whose simultaneous half-width is at most min_effect/2, or None.

    Such an interval excludes zero or lies within +-min_effect, so there is a verdict.
    """

    def narrow(n: int) -> bool:
        return bool(-stdtrit(n - 1, 0.05 / contrasts / 2) * sd / n**0.5 <= min_effect / 2)

    return _first(narrow, start=start, stop=stop)


def more_seeds(sd: float, n: int, min_effect: float, contrasts: int = 1) -> MoreSeeds:
    """The additional seeds that guarantee a verdict, from the 80 % interval of the sd."""
    ends = []
    for spread in spread_interval(sd, n - 1):
        total = seeds_to_decide(spread, min_effect, contrasts, start=n + 1, stop=n + BUDGET)
        ends.append(None if total is None else total - n)
    return MoreSeeds(*ends)


def _first(holds: Callable[[int], bool], start: int, stop: int) -> int | None:
    """The first n in start..stop for which `holds` is true; it must be monotone."""
    if not holds(stop):
        return None
    low, high = start - 1, stop  # `high` holds; `low` does not, or is below start
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _over_spread(n: int, chance: Callable[[Floats], Floats]) -> float:
    """The mean of chance(s), where s is the sample's sd / the true one, chi/sqrt(n - 1)."""
    probability = (1 + _NODES) / 2
    s = np.sqrt(chdtri(n - 1, 1 - probability) / (n - 1))
    return float((chance(s) * _WEIGHTS).sum() / 2)
