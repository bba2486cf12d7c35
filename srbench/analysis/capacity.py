"""Quality against cost: effect per cost, Pareto front with probabilities, width-matched twins.

An effect is divided by its extra cost. An exact cost divides the effect's interval; a measured
cost (latency) is uncertain itself, and Fieller's interval (1954) covers both. Where the extra cost
may be zero, that interval is unbounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, isnan, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from srbench.analysis.effects import CONFIDENCE, Interval
from srbench.analysis.significance import LEAST_SEEDS, RESAMPLES, Better

MULTIPLES = (1, 2, 4, 8, 16)  # of widths: a grouped layer needs a multiple of its groups


@dataclass(frozen=True)
class EffectPerCost:
    """Effect per unit of extra cost, such as dB per 1k parameters."""

    value: float  # NaN where the cost does not change
    low: float  # 95 % interval; infinite where Fieller's is unbounded, NaN where there is none
    high: float
    note: str = ""  # why there is no value, or no bound


@dataclass(frozen=True)
class CostedVariant:
    """A variant with its quality by seed and one cost."""

    name: str
    quality: Mapping[int, float]
    cost: float


@dataclass(frozen=True)
class ParetoPlace:
    """Whether a variant is on the Pareto front by the means, and the probability that it is."""

    name: str
    quality: float  # mean over the seeds that all variants have
    cost: float
    on_front: bool
    probability: float  # of being on the front; NaN below 3 seeds
    seeds: int


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


def effect_per_cost(effect: Interval, extra_cost: float, per: float = 1.0) -> EffectPerCost:
    """The effect per `per` units of an exact extra cost (1000 for "per 1k parameters")."""
    if extra_cost == 0:
        return EffectPerCost(nan, nan, nan, "costs nothing")
    units = extra_cost / per
    low, high = sorted((effect.low / units, effect.high / units))
    note = "saves cost: the sign is that of effect over saving" if units < 0 else ""
    return EffectPerCost(effect.mean / units, low, high, note)


def effect_per_measured_cost(
    effect: Interval, extra_cost: Interval, per: float = 1.0
) -> EffectPerCost:
    """The effect per `per` units of a measured extra cost, with Fieller's interval.

    Both are means of independent values with 95 % t intervals; t is that of the smaller count.
    """
    found = effect.mean, effect.half, extra_cost.mean, extra_cost.half
    if any(isnan(x) for x in found) or min(effect.count, extra_cost.count) < 2:
        return EffectPerCost(nan, nan, nan, "too few values for an interval")
    t = float(stdtrit(min(effect.count, extra_cost.count) - 1, (1 + CONFIDENCE) / 2))
    a, sd_a = effect.mean, effect.half / float(_t(effect.count))
    b, sd_b = extra_cost.mean / per, extra_cost.half / float(_t(extra_cost.count)) / per
    low, high = fieller(a, sd_a, b, sd_b, t)
    value = a / b if b else nan
    note = "" if isfinite(low) and isfinite(high) else "the extra cost may be zero"
    return EffectPerCost(value, low, high, note)


def fieller(a: float, sd_a: float, b: float, sd_b: float, t: float) -> tuple[float, float]:
    """The interval of a/b for independent a and b (Fieller, 1954); unbounded if b may be 0."""
    if abs(b) <= t * sd_b:
        return (-inf, inf)  # the set is the whole line or two rays
    square = b * b - t * t * sd_b * sd_b
    root = t * sqrt(max(0.0, sd_a**2 * square + sd_b**2 * a * a))
    low, high = sorted(((a * b - root) / square, (a * b + root) / square))
    return (low, high)


def front(quality: Sequence[float], cost: Sequence[float], better: Better = "higher",
          ) -> NDArray[np.bool_]:  # fmt: skip
    """Which points no other dominates (as good and as cheap, and better in one of the two)."""
    q = np.asarray(quality, dtype=np.float64)[None, :] * (1 if better == "higher" else -1)
    member: NDArray[np.bool_] = _front(q, np.asarray(cost, dtype=np.float64))[0]
    return member


def pareto(points: Sequence[CostedVariant], better: Better = "higher") -> tuple[ParetoPlace, ...]:
    """Membership by the means, and its probability under resampling of seeds.

    Each resample draws the same seeds for all variants, which preserves the pairing. Deviations are
    scaled by sqrt(n / (n - 1)), since the bootstrap variance of n values is too small by
    (n - 1) / n. A seed that any variant lacks is left out.

    Raises:
        ValueError: no seed is common to all variants.
    """
    if not points:
        return ()
    seeds = sorted(set.intersection(*({s for s, v in p.quality.items() if np.isfinite(v)}
                                      for p in points)))  # fmt: skip
    if not seeds:
        raise ValueError("no seed has finished in every variant")
    scores = np.array([[p.quality[s] for s in seeds] for p in points])  # (variants, seeds)
    cost = np.array([p.cost for p in points])
    means, n = scores.mean(axis=1), len(seeds)
    member = front(means.tolist(), cost.tolist(), better)
    share = np.full(len(points), nan)
    if n >= LEAST_SEEDS:
        drawn = np.random.default_rng(0).integers(0, n, (RESAMPLES, n))
        found = scores[:, drawn].mean(axis=2).T  # (resamples, variants)
        found = means + (found - means) * sqrt(n / (n - 1))
        signed = found * (1 if better == "higher" else -1)
        share = _front(signed, cost).mean(axis=0)
    return tuple(
        ParetoPlace(p.name, float(m), p.cost, bool(on), float(s), n)
        for p, m, on, s in zip(points, means, member, share, strict=True)
    )


def twin(
    cost: Callable[[int], float],
    target: float,
    low: int,
    high: int,
    multiple: int = 1,
    noise: float = 0.0,
) -> Twin:
    """The width from low to high, a multiple of `multiple`, whose cost is nearest the target.

    `cost` must not fall with the width by more than the share `noise` (for latency); it is called
    about log2(high - low) times. Of two equally near, the narrower. A target outside the range
    gives the nearest end; check `mismatch`.

    Raises:
        ValueError: no such width, no positive target, or the cost falls.
    """
    first, last = -(-low // multiple), high // multiple
    if first > last or first < 1:
        raise ValueError(f"no width from {low} to {high} is a multiple of {multiple}")
    if not target > 0:
        raise ValueError(f"the target cost is {target}; it must be above 0")
    known: dict[int, float] = {}

    def at(step: int) -> float:
        if step not in known:
            known[step] = float(cost(step * multiple))
        return known[step]

    below, above = first, last
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if at(middle) <= target else (below, middle)
    at(below), at(above)
    steps = sorted(known)
    if any(known[one] > known[two] * (1 + noise) for one, two in pairwise(steps)):
        raise ValueError("the cost falls as the width grows: no single width fits")
    nearest = min(steps, key=lambda step: (abs(known[step] - target), step))
    return Twin(nearest * multiple, known[nearest], target)


def _front(quality: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(draws, variants), (variants,) -> on the front; higher quality and lower cost are better.

    From the cheapest up, each must exceed the best of all cheaper ones and equal the best of those
    with the same cost.
    """
    found = np.ones(quality.shape, dtype=np.bool_)
    cheaper = np.full(quality.shape[0], np.nan)  # their best quality; NaN: none yet
    for level in np.unique(cost):
        same = np.flatnonzero(cost == level)
        best = np.fmax.reduce(quality[:, same], axis=1)
        beaten = quality[:, same] <= cheaper[:, None]
        found[:, same] = ~(beaten | (quality[:, same] < best[:, None]))
        cheaper = np.fmax(cheaper, best)
    return found


def _t(count: int) -> float:
    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
