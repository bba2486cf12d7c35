"""Quality against cost: price tags, the Pareto front with its doubt, twins in size.

A price is an effect divided by what it cost. Exact costs divide the effect's interval; a measured
cost (latency) has doubt of its own, and Fieller's interval (1954) holds both. Where the cost might
be nothing at all, that interval has no end, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, isnan, nan, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from srbench.analysis.effects import CONFIDENCE, Interval

Better = Literal["higher", "lower"]
RESAMPLES = 9_999
LEAST_SEEDS = 3  # fewer give a front, no probability
MULTIPLES = (1, 2, 4, 8, 16)  # of widths: groups want one that divides by them


@dataclass(frozen=True)
class PriceTag:
    """Effect for each unit of extra cost, such as dB per 1k parameters."""

    value: float  # NaN where the cost does not change
    low: float  # 95 % interval; infinite where Fieller's has no end, NaN where there is none
    high: float
    note: str = ""  # why there is no price, or no end


@dataclass(frozen=True)
class Point:
    """A variant on the plane: quality by seed, one cost."""

    name: str
    quality: Mapping[int, float]
    cost: float


@dataclass(frozen=True)
class Place:
    """Where a variant stands: on the front by the means, and how surely."""

    name: str
    quality: float  # mean over the seeds that all have
    cost: float
    on_front: bool
    probability: float  # of being on the front; NaN below 3 seeds
    seeds: int


@dataclass(frozen=True)
class Twin:
    """The width whose cost comes nearest a target, and by how much it misses."""

    width: int
    cost: float
    target: float

    @property
    def mismatch(self) -> float:
        """Cost over target, less one: 0.02 is 2 % too dear."""
        return self.cost / self.target - 1


def price(effect: Interval, extra_cost: float, per: float = 1.0) -> PriceTag:
    """The effect for each `per` units of an exact extra cost (1000 for "per 1k parameters")."""
    if extra_cost == 0:
        return PriceTag(nan, nan, nan, "costs nothing")
    units = extra_cost / per
    low, high = sorted((effect.low / units, effect.high / units))
    note = "saves cost: the sign is that of effect over saving" if units < 0 else ""
    return PriceTag(effect.mean / units, low, high, note)


def measured_price(effect: Interval, extra_cost: Interval, per: float = 1.0) -> PriceTag:
    """The effect for each `per` units of a measured extra cost: Fieller's interval.

    Both are means of independent values with their 95 % t intervals; the smaller count's t is used.
    """
    found = effect.mean, effect.half, extra_cost.mean, extra_cost.half
    if any(isnan(x) for x in found) or min(effect.count, extra_cost.count) < 2:
        return PriceTag(nan, nan, nan, "too few values for an interval")
    t = float(stdtrit(min(effect.count, extra_cost.count) - 1, (1 + CONFIDENCE) / 2))
    a, sd_a = effect.mean, effect.half / float(_t(effect.count))
    b, sd_b = extra_cost.mean / per, extra_cost.half / float(_t(extra_cost.count)) / per
    low, high = fieller(a, sd_a, b, sd_b, t)
    value = a / b if b else nan
    note = "" if isfinite(low) and isfinite(high) else "the cost cannot be told from none"
    return PriceTag(value, low, high, note)


def fieller(a: float, sd_a: float, b: float, sd_b: float, t: float) -> tuple[float, float]:
    """The interval of a/b for independent a and b (Fieller, 1954); endless where b may be zero."""
    if abs(b) <= t * sd_b:
        return (-inf, inf)  # the set is a whole line or two rays: nothing is bounded
    square = b * b - t * t * sd_b * sd_b
    root = t * sqrt(max(0.0, sd_a**2 * square + sd_b**2 * a * a))
    low, high = sorted(((a * b - root) / square, (a * b + root) / square))
    return (low, high)


def front(quality: Sequence[float], cost: Sequence[float], better: Better = "higher",
          ) -> NDArray[np.bool_]:  # fmt: skip
    """Which points no other beats: none is as good and as cheap, and better in one of the two."""
    q = np.asarray(quality, dtype=np.float64)[None, :] * (1 if better == "higher" else -1)
    member: NDArray[np.bool_] = _front(q, np.asarray(cost, dtype=np.float64))[0]
    return member


def pareto(points: Sequence[Point], better: Better = "higher") -> tuple[Place, ...]:
    """Membership by the means, and its probability under resampling of seeds.

    One draw of seeds serves all variants, which keeps the pairing; draws are stretched by
    sqrt(n / (n - 1)), for the bootstrap of n values has a variance too small by (n - 1) / n. Seeds
    that some variant lacks are left out of all. Points with less than one common seed: ValueError.
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
        Place(p.name, float(m), p.cost, bool(on), float(s), n)
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
    about log2(high - low) times. Of two equally near, the narrower. Where the target lies beyond
    the ends, the end: look at `mismatch`.

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
        raise ValueError("the cost falls as the width grows: there is no one width to find")
    nearest = min(steps, key=lambda step: (abs(known[step] - target), step))
    return Twin(nearest * multiple, known[nearest], target)


def _front(quality: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(draws, variants), (variants,) -> on the front; higher quality and lower cost are better.

    From the cheapest up, each has to beat the best of all that are cheaper, and to equal the best
    of those that cost the same.
    """
    found = np.ones(quality.shape, dtype=np.bool_)
    cheaper = np.full(quality.shape[0], np.nan)  # the best of them; NaN: none yet
    for price in np.unique(cost):
        same = np.flatnonzero(cost == price)
        best = np.fmax.reduce(quality[:, same], axis=1)
        beaten = quality[:, same] <= cheaper[:, None]
        found[:, same] = ~(beaten | (quality[:, same] < best[:, None]))
        cheaper = np.fmax(cheaper, best)
    return found


def _t(count: int) -> float:
    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
