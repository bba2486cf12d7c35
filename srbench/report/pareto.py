"""Quality against cost: each variant as a point, how surely it lies on the front, and prices.

A variant is on the front where no other is as good and as cheap, and better in one of the two.
How sure that is comes from resampled seeds; what an effect costs is a price with an interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, log10, nan
from typing import Any

from srbench.analysis.capacity import Place, Point, PriceTag, measured_price, pareto, price
from srbench.analysis.costs import COSTS, costs_of
from srbench.analysis.effects import Interval, t_interval
from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.latency import timings
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import controls, number, of_variants, scores_by_seed, trained
from srbench.core.numbers import justified_decimals, listed, plural, shown
from srbench.core.table import Column, Kind, Mark, Table, Value

PRICES = {  # cost -> how many of it a price is for, and what that many are called
    "parameters": (1e3, "1k parameters"),
    "macs_720p": (1e9, "GMAC"),
    "latency": (1.0, "ms"),
}
KEYS = {"parameters": "per_1k_parameters", "macs_720p": "per_gmac", "latency": "per_ms"}
NOTHING = Interval(nan, nan, nan, 0)
SURE = 0.95  # from here on a place on the front, or off it, is called sure


@dataclass(frozen=True)
class Spot:
    """A variant on the plane of quality and one cost."""

    variant: str
    quality: Interval
    cost: Interval
    on_front: bool  # by the means
    probability: float  # of being on the front; NaN below three seeds

    @property
    def said(self) -> str:
        """Its place in words: "on the front in 87 % of resamplings"."""
        if not isfinite(self.probability):
            return "on the front by its mean" if self.on_front else "not on the front by its mean"
        return f"on the front in {percent(self.probability)} of resampled seeds"


def percent(share: float) -> str:
    """A share of resamplings; none of ten thousand is not never."""
    if share >= 0.995:
        return "over 99 %"
    return f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"


@lru_cache(maxsize=32)
def spots(results: Results, cost: str) -> tuple[Spot, ...]:
    """Every variant that has a score and this cost, in study order; controls are left out."""
    apart, scores, costs = controls(results), scores_by_seed(results), costs_of(results, cost)
    names = [n for n in trained(results) if n not in apart and scores[n] and costs[n].count]
    points = [Point(name, scores[name], costs[name].mean) for name in names]
    found = {place.name: place for place in _places(points, results)}
    return tuple(
        Spot(
            name, t_interval(list(scores[name].values())), costs[name], found[name].on_front,
            found[name].probability,
        )
        for name in names
    )  # fmt: skip


def known_costs(results: Results) -> list[str]:
    """The costs that at least one scored variant has a number for."""
    return [cost for cost in COSTS if spots(results, cost)]


@dataclass(frozen=True)
class Frame:
    """What the figure shows: costs from `left` to `right`, quality from `low` to `high`."""

    left: float
    right: float
    low: float
    high: float

    def across(self, cost: float) -> float:
        """Place on the logarithmic axis of costs, 0 to 1."""
        return (log10(cost) - log10(self.left)) / (log10(self.right) - log10(self.left))

    def up(self, quality: float) -> float:
        """Place on the axis of quality, 0 to 1."""
        return (quality - self.low) / (self.high - self.low)


def frame_of(found: tuple[Spot, ...], levels: Mapping[str, float]) -> Frame:
    """The frame around the variants, and around those interpolations that are not far away."""
    ends = [x for s in found for x in (s.quality.low, s.quality.mean, s.quality.high) if x == x]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    near = [x for x in levels.values() if low - 0.6 * span < x < high + 0.6 * span]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.09 * ((high - low) or 1.0)
    costs = [s.cost.mean for s in found]
    wide = (max(costs) / min(costs)) ** 0.07 * 1.01
    return Frame(min(costs) / wide, max(costs) * wide, low - pad, high + pad)


def front_line(results: Results, cost: str) -> list[Spot]:
    """The variants on the front by their means, cheapest first."""
    return sorted((s for s in spots(results, cost) if s.on_front), key=lambda s: s.cost.mean)


def front_said(results: Results, cost: str) -> str:
    """Who is on the front, and who might be: a sentence beside the figure and for its reader."""
    found = spots(results, cost)
    sure = [s.variant for s in found if s.on_front and not s.probability < SURE]
    may = [s for s in found if (s.on_front and s.probability < SURE)]
    may += [s for s in found if not s.on_front and s.probability > 1 - SURE]
    few = [s for s in found if not isfinite(s.probability)]
    name = COSTS.get(cost, cost)
    said = f"On the front of quality against {name}: {_some(sure) or 'none for sure'}"
    if may:
        doubt = _some([f"{s.variant} ({percent(s.probability)})" for s in may])
        said += f"; not settled by these seeds: {doubt}"
    return f"{said}{'; by the means alone, for want of seeds' if few else ''}."


def cost_heading(results: Results) -> str:
    """Which variants nothing else beats in both quality and parameters."""
    known = known_costs(results)
    if not known:
        return "Quality against cost waits for finished runs"
    found = front_line(results, known[0])
    best, base = found[-1].variant, results.facts.baseline
    if known[0] not in ("parameters", "macs_720p"):
        return f"{_some([s.variant for s in found])} on the front"
    table = of_variants(results, known[0])
    more = 100 * (number(table.get(best)) / number(table.get(base)) - 1)
    if best == base:
        return f"No variant scores above {base}, whatever it costs"
    size = "no more" if more == 0 else f"{shown(abs(more), 1)} % {'more' if more > 0 else 'fewer'}"
    what = COSTS[known[0]].partition(" at ")[0]
    return f"The best, {best}, has {size} {what} than {base}"


@lru_cache(maxsize=8)
def prices_shown(results: Results) -> Table:
    """What each effect costs: dB for each 1k parameters, GMAC and ms, with intervals."""
    unit = results.facts.unit
    costs = [cost for cost in PRICES if cost != "latency" or timings(results, cost)]
    tags = {cost: _tags(results, cost) for cost in costs}
    digits = {
        cost: justified_decimals([(t.high - t.low) / 2 for t in found.values()], "")
        for cost, found in tags.items()
    }
    places = {cost: {s.variant: s for s in spots(results, cost)} for cost in costs}
    rows: list[tuple[Value, ...]] = []
    for row in judgement(results).contrasts:
        if not row.pairs:
            continue
        line: list[Value] = [row.variant, row.mean]
        for cost in costs:
            per = PRICES[cost][0]
            extra = _extra(results, row.variant, cost).mean
            tag = tags[cost][row.variant]
            of = costs_of(results, cost)[row.variant].mean / (1 if cost == "parameters" else per)
            line += [of if isfinite(of) else Mark("missing", "not measured")]
            line += [extra / per if isfinite(extra) else Mark("missing", "not measured")]
            line += [_priced(x, tag, extra, row) for x in (tag.value, tag.low, tag.high)]
            line.append(_share(places[cost].get(row.variant)))
        rows.append(tuple(line))
    columns = [Column("variant", "variant")]
    suffix = f"_{unit.lower()}" if unit else ""
    columns.append(
        Column(f"effect{suffix}", "effect", unit, "difference", effect_decimals(results))
    )
    for cost in costs:
        columns += _cost_columns(cost, PRICES[cost][1], unit, digits[cost])
    caption = f"What each effect costs: {unit or 'effect'} for each unit of extra cost"
    return Table("prices", caption, tuple(columns), tuple(rows))


def _cost_columns(cost: str, per: str, unit: str, digits: int) -> list[Column]:
    key = KEYS[cost]
    what, size, more = {
        "parameters": ("parameters", "", "k"), "macs_720p": ("MACs", "G", "G"),
        "latency": ("latency", "ms", "ms"),
    }[cost]  # fmt: skip
    head = f"{unit or 'effect'} per {per}"
    sure = f"share of resampled seeds in which nothing beats it in both quality and {what}"
    kind: Kind = {"parameters": "count", "latency": "measure"}.get(cost, "number")  # type: ignore
    return [
        Column(cost, what, size, kind, 2 if kind == "number" else 0),
        Column(f"{cost}_more", f"more {what}", more, "difference", 1 if more == "k" else 2),
        Column(key, head, "", "difference", digits, "negative extra cost: see the sign of both"),
        Column(f"{key}_low", "95 % from", "", "difference", digits),
        Column(f"{key}_high", "95 % to", "", "difference", digits),
        Column(f"front_{cost}_percent", f"on the front, {what}", "%", "number", 0, sure),
    ]


def _tags(results: Results, cost: str) -> dict[str, PriceTag]:
    return {
        row.variant: _tag(
            Interval(row.mean, row.low, row.high, row.pairs),
            _extra(results, row.variant, cost),
            PRICES[cost][0],
        )
        for row in judgement(results).contrasts
        if row.pairs
    }


def _tag(effect: Interval, extra: Interval, per: float) -> PriceTag:
    if not isfinite(extra.mean):
        return PriceTag(nan, nan, nan, "not measured")
    if extra.count == 1 or extra.mean == 0:  # a count, or a network that is the baseline's own
        return price(effect, extra.mean, per)
    return measured_price(effect, extra, per)


def _extra(results: Results, variant: str, cost: str) -> Interval:
    """What a variant costs more than the baseline; measured ones with their doubt."""
    if cost == "latency":
        return next((t.more for t in timings(results, cost) if t.variant == variant), NOTHING)
    costs = costs_of(results, cost)
    extra = costs[variant].mean - costs[results.facts.baseline].mean
    return Interval(extra, nan, nan, 1)


def _priced(value: float, tag: PriceTag, extra: float, row: Judged) -> Value:
    if isfinite(value):
        return value
    if extra == 0:
        return Mark("free", f"{row.variant} costs exactly as much as the baseline")
    if row.pairs < 2:
        return Mark("one seed", "an interval needs at least two seeds")
    if "cannot be told" in tag.note:
        return Mark("no end", tag.note)
    return Mark("missing", tag.note or "not measured")


def _share(spot: Spot | None) -> Value:
    if spot is None:
        return Mark("missing", "not measured")
    if not isfinite(spot.probability):
        return Mark("on" if spot.on_front else "off", "by the means; too few seeds for a share")
    return 100 * spot.probability


def _places(points: list[Point], results: Results) -> tuple[Place, ...]:
    """Places on the front; by each variant's own mean where no seed is common to all."""
    better = judgement(results).better
    shared = set.intersection(*(set(p.quality) for p in points)) if points else set()
    if not shared:
        own = [
            Point(p.name, {0: t_interval(list(p.quality.values())).mean}, p.cost) for p in points
        ]
        return pareto(own, better)
    return pareto(points, better)


def _some(names: list[str], most: int = 5) -> str:
    if len(names) <= most:
        return listed(names)
    return listed([*names[: most - 1], plural(len(names) - most + 1, "other")])


def pareto_section(results: Results) -> dict[str, Any]:
    """What `section_pareto.html` shows."""
    return {
        "heading": cost_heading(results),
        "costs": [
            {"key": f"cost-{cost}", "title": COSTS[cost], "said": front_said(results, cost)}
            for cost in known_costs(results)
        ],
        "prices": prices_shown(results),
    }
