"""Quality against cost: the figures, and the table of what each effect costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isfinite, isinf

from srbench.analysis.capacity import EffectPerCost
from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.latency import timings
from srbench.analysis.quality_cost import (
    COSTS,
    Spot,
    cost_heading,
    costs_of,
    effects_per_cost,
    extra_cost,
    front_line,
    front_text,
    known_costs,
    spaced,
    spots,
    twins_text,
)
from srbench.analysis.ranking import drawn_names, effect_decimals, metric_title
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import interpolation_scores, scores_by_seed
from srbench.core.numbers import justified_decimals, with_unit
from srbench.core.table import Column, Kind, Mark, Table, Value, in_unit
from srbench.report.colours import REST, colours
from srbench.report.figure import Axis, Figure, Guide, Line, Point
from srbench.report.section import Section

GREY = "#808080"
PALEST = 0.12  # opacity of a mark that is never on the front
PRICES = {  # cost -> the unit of cost that an effect is divided by, and its name
    "parameters": (1e3, "1k parameters"),
    "macs_720p": (1e9, "GMAC"),
    "latency": (1.0, "ms"),
}
KEYS = {"parameters": "per_1k_parameters", "macs_720p": "per_gmac", "latency": "per_ms"}


@lru_cache(maxsize=8)
def prices_shown(results: Results) -> Table:
    """What each effect costs: dB for each 1k parameters, GMAC and ms, with intervals."""
    unit = results.facts.unit
    costs = [cost for cost in PRICES if cost != "latency" or timings(results, cost)]
    tags = {cost: effects_per_cost(results, cost, PRICES[cost][0]) for cost in costs}
    digits = {
        cost: justified_decimals([(t.high - t.low) / 2 for t in found.values()], "")
        for cost, found in tags.items()
    }
    places = {cost: {s.variant: s for s in spots(results, cost)} for cost in costs}
    rows: list[tuple[Value, ...]] = []
    for row in judgement(results).contrasts:
        if not row.seeds:
            continue
        line: list[Value] = [row.variant, row.mean]
        for cost in costs:
            per = PRICES[cost][0]
            extra = extra_cost(results, row.variant, cost).mean
            tag = tags[cost][row.variant]
            of = costs_of(results, cost)[row.variant].mean / (1 if cost == "parameters" else per)
            line += [of if isfinite(of) else Mark("missing", "not measured")]
            line += [extra / per if isfinite(extra) else Mark("missing", "not measured")]
            line += [_priced(x, tag, extra, row) for x in (tag.value, tag.low, tag.high)]
            line.append(_share(places[cost].get(row.variant)))
        rows.append(tuple(line))
    columns = [Column("variant", "variant")]
    columns.append(in_unit("effect", "effect", unit, effect_decimals(results)))
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
        Column(key, head, "", "difference", digits, "compare the signs of both"),
        Column(f"{key}_low", "95 % from", "", "difference", digits),
        Column(f"{key}_high", "95 % to", "", "difference", digits),
        Column(f"front_{cost}_percent", f"on the front, {what}", "%", "number", 0, sure),
    ]


def _priced(value: float, tag: EffectPerCost, extra: float, row: Judged) -> Value:
    if isfinite(value):
        return value
    if extra == 0:
        return Mark("free", f"{row.variant} costs exactly as much as the baseline")
    if row.seeds < 2:
        return Mark("one seed", "an interval needs at least two seeds")
    if isinf(value):
        return Mark("unbounded", tag.note)
    return Mark("missing", tag.note or "not measured")


def _share(spot: Spot | None) -> Value:
    if spot is None:
        return Mark("missing", "not measured")
    if not isfinite(spot.probability):
        return Mark("on" if spot.on_front else "off", "by the means; too few seeds for a share")
    return 100 * spot.probability


def section(results: Results) -> Section:
    """Quality against each cost that is known, and what an effect costs."""
    costs = known_costs(results)
    return Section(
        "quality-cost",
        "Quality against cost",
        cost_heading(results),
        (prices_shown(results),),
        {f"cost-{cost}": quality_cost_figure(results, cost) for cost in costs},
        "section_quality-cost.html",
        {
            "costs": [(f"cost-{c}", COSTS[c], front_text(results, c)) for c in costs],
            "twins": twins_text(results),
        },
    )


def quality_cost_figure(results: Results, cost: str) -> Figure:
    """The primary metric against one cost: intervals, the front as a stair, interpolations.

    The opacity of a mark shows its probability of being on the front.
    """
    hues, names = colours(results), set(drawn_names(results))
    found = [s for s in spots(results, cost) if s.variant in names or s.may_be_on_front]
    line = front_line(results, cost) if len(front_line(results, cost)) > 1 else []
    stair = Line([s.cost.mean for s in line], [s.quality.mean for s in line], GREY, "front",
                 stair=True)  # fmt: skip
    points = [_point(results, spot, hues[spot.variant]) for spot in found]
    levels = interpolation_scores(results)
    x, y = _axes(results, cost, found, levels)
    levels = {name: level for name, level in levels.items() if 0 < y.place(level) < 1}
    guides = [
        Guide("y", level, name, "dot", shift)
        for name, level, shift in spaced(levels, list(scores_by_seed(results).values()))
    ]
    return Figure(x, y, (*([stair] if line else []), *points), tuple(guides))


def _point(results: Results, spot: Spot, hue: str) -> Point:
    unit, d = results.facts.unit, effect_decimals(results) + 1
    cost = f"{float(f'{spot.cost.mean:.6g}'):,}".removesuffix(".0")
    quality = with_unit(f"{spot.quality.mean:.{d}f}", unit)
    sure = spot.probability if isfinite(spot.probability) else float(spot.on_front)
    return Point(
        spot.cost.mean,
        spot.quality.mean,
        hue,
        spot.variant,
        "diamond" if spot.variant == results.facts.baseline else "circle",
        f"{spot.variant}: {quality}, {cost}\n{spot.in_words}",
        opacity=PALEST + (1 - PALEST) * sure,
        half_x=spot.cost.half if spot.cost.count > 1 else 0.0,
        half_y=spot.quality.half if spot.quality.count > 1 else 0.0,
        named="first" if spot.on_front or hue != REST else "second",
    )


def _axes(
    results: Results, cost: str, found: Sequence[Spot], levels: Mapping[str, float]
) -> tuple[Axis, Axis]:
    """Limits around the variants, and around those interpolations that are not far away."""
    ends = [x for s in found for x in (s.quality.low, s.quality.mean, s.quality.high) if x == x]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    near = [x for x in levels.values() if low - 0.6 * span < x < high + 0.6 * span]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.09 * ((high - low) or 1.0)
    costs = [s.cost.mean for s in found]
    wide = (max(costs) / min(costs)) ** 0.07 * 1.01
    title = metric_title(results.facts)
    return (
        Axis(COSTS.get(cost, cost), True, (min(costs) / wide, max(costs) * wide)),
        Axis(title, limits=(low - pad, high + pad)),
    )
