"""Quality against cost: effect per cost, Pareto front with probabilities, width-matched twins.

An effect is divided by its extra cost. An exact cost divides the effect's interval; a measured
cost (latency) is uncertain itself, and Fieller's interval (1954) covers both. Where the extra cost
may be zero, that interval is unbounded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import inf, isfinite, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from srbench.analysis.effects import CONFIDENCE, Interval
from srbench.analysis.significance import LEAST_SEEDS, RESAMPLES, Better, Floats

MULTIPLES = (1, 2, 4, 8, 16)  # of widths: a grouped layer needs a multiple of its groups


@dataclass(frozen=True)
class EffectPerCost:
    """Effect per unit of extra cost, such as dB per 1k parameters."""

    value: float  # NaN where the cost does not change
    low: float  # 95 % interval; infinite where Fieller's is unbounded, NaN where there is none
    high: float
    note: str = ""  # why there is no value, or no bound


@dataclass(frozen=True)
class ParetoPlace:
    """Whether a variant is on the Pareto front by the means, and the probability that it is."""

    on_front: bool
    probability: float  # of being on the front; NaN below 3 seeds


@dataclass(frozen=True)
class Twin:
    """The width whose cost is nearest a target."""

    width: int
    cost: float
    target: float

    @property
    def mismatch(self) -> float:
        """Cost / target - 1: 0.02 is 2 % above the target."""
        return self.cost / self.target - 1


def effect_per_cost(effect: Interval, extra: Interval, per: float = 1.0) -> EffectPerCost:
    """The effect per `per` units of extra cost (1000 for "per 1k parameters").

    A cost with a count of 1 is exact and divides the interval. Otherwise both are means of
    independent values with 95 % t intervals, and Fieller's t is that of the smaller count.
    """
    if not isfinite(extra.mean):
        return EffectPerCost(nan, nan, nan, "not measured")
    if extra.mean == 0:
        return EffectPerCost(nan, nan, nan, "costs nothing")
    units = extra.mean / per
    if extra.count == 1:
        low, high = sorted((effect.low / units, effect.high / units))
        note = "saves cost: the sign is that of effect over saving" if units < 0 else ""
        return EffectPerCost(effect.mean / units, low, high, note)
    fewest = min(effect.count, extra.count)
    if fewest < 2 or not isfinite(effect.half + extra.half):
        return EffectPerCost(nan, nan, nan, "too few values for an interval")
    sd_effect, sd_extra = effect.half / _t(effect.count), extra.half / _t(extra.count) / per
    low, high = fieller(effect.mean, sd_effect, units, sd_extra, _t(fewest))
    note = "" if isfinite(low) and isfinite(high) else "the extra cost may be zero"
    return EffectPerCost(effect.mean / units, low, high, note)


def fieller(a: float, sd_a: float, b: float, sd_b: float, t: float) -> tuple[float, float]:
    """The interval of a/b for independent a and b (Fieller, 1954); unbounded if b may be 0."""
    if abs(b) <= t * sd_b:
        return (-inf, inf)  # the set is the whole line or two rays
    square = b * b - t * t * sd_b * sd_b
    root = t * sqrt(max(0.0, sd_a**2 * square + sd_b**2 * a * a))
    low, high = sorted(((a * b - root) / square, (a * b + root) / square))
    return (low, high)


def _t(count: int) -> float:
    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))


def pareto(
    quality: Sequence[Mapping[int, float]], cost: Sequence[float], better: Better = "higher"
) -> list[ParetoPlace]:
    """The place of each variant, from its quality by seed and its cost.

    Each resample draws the same seeds for all variants, which preserves the pairing. Deviations are
    scaled by sqrt(n / (n - 1)), since the bootstrap variance of n values is too small by
    (n - 1) / n. A seed that any variant lacks is left out; where no seed is common to all, the
    means of the variants' own seeds decide.
    """
    finite = [{s: x for s, x in by_seed.items() if isfinite(x)} for by_seed in quality]
    seeds = sorted(set.intersection(*map(set, finite))) if finite else []
    used = [[own[s] for s in seeds] if seeds else list(own.values()) for own in finite]
    sign = 1 if better == "higher" else -1
    means = sign * np.array([np.mean(values) for values in used])  # (variants,)
    costs, n = np.asarray(cost, dtype=np.float64), len(seeds)
    probability = np.full(len(used), nan)
    if n >= LEAST_SEEDS:
        found = sign * _resampled(tuple(map(tuple, used)))
        found = means + (found - means) * sqrt(n / (n - 1))
        probability = on_front(found, costs).mean(axis=0)
    places = zip(on_front(means[None], costs)[0].tolist(), probability.tolist(), strict=True)
    return [ParetoPlace(*place) for place in places]


@lru_cache(maxsize=2)  # the same for every cost
def _resampled(values: tuple[tuple[float, ...], ...]) -> Floats:
    """(resamples, variants): means over seeds drawn with replacement."""
    seeds = len(values[0])
    drawn = np.random.default_rng(0).integers(0, seeds, (RESAMPLES, seeds))
    return np.stack([np.array(own)[drawn].mean(axis=1) for own in values]).T


def on_front(quality: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Which variants no other dominates (as good and as cheap, and better in one of the two).

    Quality is (draws, variants), higher is better; cost is (variants,), lower is better. From the
    cheapest up, each must exceed the best of all cheaper ones and equal the best of those with the
    same cost.
    """
    rows = quality.T  # (variants, draws)
    found = np.ones(rows.shape, dtype=np.bool_)
    cheaper = np.full(quality.shape[0], -inf)  # the best quality at a lower cost
    order = np.argsort(cost, kind="stable")
    for level in np.split(order, np.flatnonzero(np.diff(cost[order])) + 1):
        same = rows[level]
        best = same.max(axis=0, initial=-inf)
        found[level] = (same > cheaper) & (same == best)
        cheaper = np.maximum(cheaper, best)
    return found.T


def twin(
    cost: Callable[[int], float], target: float, low: int, high: int, multiple: int = 1
) -> Twin:
    """The width from low to high, a multiple of `multiple`, whose cost is nearest the target.

    `cost` must not fall with the width; it is called about log2(high - low) times. Of two equally
    near, the narrower. A target outside the range gives the nearest end; check `mismatch`.

    Raises:
        ValueError: no such width, no positive target, or the cost falls.
    """
    widths = range(-(-low // multiple) * multiple, high + 1, multiple)
    if not widths or widths[0] < 1:
        raise ValueError(f"no width from {low} to {high} is a multiple of {multiple}")
    if not target > 0:
        raise ValueError(f"the target cost is {target}; it must be above 0")
    known: dict[int, float] = {}

    def at(width: int) -> float:
        if width not in known:
            known[width] = float(cost(width))
        return known[width]

    above = min(bisect_right(widths, target, key=at), len(widths) - 1)
    at(widths[above]), at(widths[max(above - 1, 0)])
    order = sorted(known)
    if any(known[one] > known[two] for one, two in pairwise(order)):
        raise ValueError("the cost falls as the width grows: no single width fits")
    nearest = min(order, key=lambda width: (abs(known[width] - target), width))
    return Twin(nearest, known[nearest], target)
