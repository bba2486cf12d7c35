"""Quality against cost: the Pareto front with probabilities, and cost per effect.

A variant is on the front where no other is as good and as cheap, and better in one of the two.
Resampled seeds give the probability; the cost of an effect has an interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, nan

from srbench.analysis.capacity import EffectPerCost, effect_per_cost, pareto
from srbench.analysis.effects import Interval, difference, t_interval
from srbench.analysis.judgement import judgement
from srbench.analysis.latency import timings
from srbench.analysis.phrases import effect_text
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import (
    by_variant,
    controls,
    number,
    of_variants,
    scores_by_seed,
    text,
    trained,
)
from srbench.core.numbers import listed, plural, shown

COSTS = {
    "parameters": "parameters",
    "macs_720p": "MACs at HR 1280\u00d7720",
    "latency": "latency, ms",
    "peak_memory_mb": "peak memory, MB",
}
NOUNS = {"parameters": "parameters", "macs_720p": "MACs"}  # of costs that are counts
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
    def may_be_on_front(self) -> bool:
        """Whether it is on the front by the means, or not surely off it."""
        return self.on_front or self.probability > 1 - SURE

    @property
    def in_words(self) -> str:
        """Its place in words: "on the front in 87 % of resamplings"."""
        if not isfinite(self.probability):
            return "on the front by its mean" if self.on_front else "not on the front by its mean"
        return f"on the front in {percent(self.probability)} of resampled seeds"


def percent(share: float) -> str:
    """A share of resamplings; none of ten thousand is not never."""
    if share >= 0.995:
        return "over 99 %"
    return f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"


@lru_cache(maxsize=16)
def costs_of(results: Results, cost: str) -> Mapping[str, Interval]:
    """A cost by variant as an interval: one value for counts, over seeds for what is measured."""
    if cost == "latency":
        known = {timing.variant: timing.ms for timing in timings(results, "latency")}
        return {name: known.get(name, NOTHING) for name in trained(results)}
    if cost == "peak_memory_mb":
        values = {
            name: [cell.peak_memory_mb for cell in planned]
            for name, planned in by_variant(results).items()
        }
    else:
        column = of_variants(results, cost)
        values = {name: [number(column.get(name))] for name in trained(results)}
    return {name: t_interval([x for x in found if x > 0]) for name, found in values.items()}


@lru_cache(maxsize=32)
def spots(results: Results, cost: str) -> tuple[Spot, ...]:
    """Every variant that has a score and this cost, in study order; controls are left out."""
    apart, scores, costs = controls(results), scores_by_seed(results), costs_of(results, cost)
    names = [n for n in trained(results) if n not in apart and scores[n] and costs[n].count]
    means, better = [costs[name].mean for name in names], results.facts.better
    places = pareto([scores[name] for name in names], means, better)
    return tuple(
        Spot(
            name, t_interval(list(scores[name].values())), costs[name], place.on_front,
            place.probability,
        )
        for name, place in zip(names, places, strict=True)
    )  # fmt: skip


def known_costs(results: Results) -> list[str]:
    """The costs that at least one scored variant has a number for."""
    return [cost for cost in COSTS if spots(results, cost)]


def front_line(results: Results, cost: str) -> list[Spot]:
    """The variants on the front by their means, cheapest first."""
    return sorted((s for s in spots(results, cost) if s.on_front), key=lambda s: s.cost.mean)


def front_text(results: Results, cost: str) -> str:
    """Which variants are on the front, and which might be: a sentence for the figure."""
    found = spots(results, cost)
    sure = [s.variant for s in found if s.on_front and not s.probability < SURE]
    may = [s for s in found if s.on_front and s.probability < SURE]
    may += [s for s in found if not s.on_front and s.may_be_on_front]
    message = f"On the front of quality against {COSTS[cost]}: {_some(sure) or 'none for sure'}"
    if may:
        doubt = _some([f"{s.variant} ({percent(s.probability)})" for s in may])
        message += f"; not settled by these seeds: {doubt}"
    few = not all(isfinite(s.probability) for s in found)
    return f"{message}{'; by the means alone: too few seeds for intervals' if few else ''}."


def cost_heading(results: Results) -> str:
    """What the best variant costs, or which variants nothing else beats in quality and cost."""
    known = known_costs(results)
    if not known:
        return "Quality against cost waits for finished runs"
    cost, found, base = known[0], front_line(results, known[0]), results.facts.baseline
    if cost not in NOUNS:
        return f"{_some([s.variant for s in found])} on the front"
    best, costs = found[-1].variant, costs_of(results, cost)
    if best == base:
        return f"No variant scores above {base}, whatever it costs"
    more = 100 * (costs[best].mean / costs[base].mean - 1)
    size = "no more" if more == 0 else f"{shown(abs(more), 1)} % {'more' if more > 0 else 'fewer'}"
    return f"The best, {best}, has {size} {NOUNS[cost]} than {base}"


def effects_per_cost(results: Results, cost: str, per: float) -> dict[str, EffectPerCost]:
    """Each contrast's effect per `per` units of extra cost."""
    return {
        row.variant: effect_per_cost(
            Interval(row.mean, row.low, row.high, row.seeds),
            extra_cost(results, row.variant, cost),
            per,
        )
        for row in judgement(results).contrasts
        if row.seeds
    }


def extra_cost(results: Results, variant: str, cost: str) -> Interval:
    """What a variant costs more than the baseline; a measured cost with its interval."""
    if cost == "latency":
        return next((t.more for t in timings(results, cost) if t.variant == variant), NOTHING)
    costs = costs_of(results, cost)
    extra = costs[variant].mean - costs[results.facts.baseline].mean
    return Interval(extra, nan, nan, 1)


def _some(names: list[str]) -> str:
    return listed(names if len(names) <= 5 else [*names[:4], plural(len(names) - 4, "other")])


def spaced(
    levels: Mapping[str, float], scores: Sequence[Mapping[int, float]]
) -> list[tuple[str, float, int]]:
    """Reference lines from below, with how far their labels step aside of close ones below."""
    seen = [*levels.values(), *(x for by_seed in scores for x in by_seed.values())]
    near = 0.06 * (max(seen) - min(seen)) if seen else 0.0
    out: list[tuple[str, float, int]] = []
    for name, level in sorted(levels.items(), key=lambda item: (item[1], item[0])):
        close = bool(out) and level - out[-1][1] < near
        out.append((name, level, out[-1][2] + 1 if close else 0))
    return out


def against_twins(results: Results) -> tuple[tuple[str, str, Interval], ...]:
    """(variant, twin, variant - twin) of all that have finished runs, in study order."""
    scores, of = scores_by_seed(results), results.facts.twins
    pairs = [(of[twin], twin) for twin in trained(results) if of.get(twin) in scores]
    found = [(own, twin, difference(scores[own], scores[twin])) for own, twin in pairs]
    return tuple(row for row in found if row[2].count)


def twins_text(results: Results) -> tuple[str, ...]:
    """A sentence for each variant that has a twin: what it gains beyond its size."""
    return tuple(_sentence(results, *row) for row in against_twins(results))


def twins_named(results: Results) -> str:
    """What the twins are, with the setting that differs; "" where there are none."""
    changes = of_variants(results, "change")
    named = [f"{twin} ({text(changes.get(twin))})" for twin in results.facts.twins]
    is_base = f"{'is' if len(named) == 1 else 'are'} the baseline at another width"
    return f"{listed(named)} {is_base}." if named else ""


def _sentence(results: Results, own: str, twin: str, effect: Interval) -> str:
    sizes = of_variants(results, "parameters")
    size, other = (f"{number(sizes[name]):,.0f}" for name in (own, twin))
    change = text(of_variants(results, "change").get(twin)).partition(",")[0]
    message = f"{own} ({size} parameters) minus its twin, {results.facts.baseline} with {change} "
    message += f"({other}): {effect_text(results, effect)}"
    if effect.count < 2:
        return f"{message}."
    if not effect.excludes_zero:
        return f"{message}; they do not differ significantly: size alone may explain its effect."
    is_better = results.facts.sign * effect.mean > 0
    verdict = "it gains more than its size explains" if is_better else "the size alone does better"
    return f"{message}; {verdict}."
