"""The table of effects on the primary outcome: one row a contrast, best first."""

from __future__ import annotations

from srbench.report.cells import number, scores_by_seed, text
from srbench.report.numbers import metric_name
from srbench.report.ranking import (
    by_variant,
    effect_decimals,
    known_or_mark,
    mean_of,
    ranked,
    states_of,
    why_wanting,
)
from srbench.report.shown import Column, Mark, Table, Value
from srbench.results import Results


def effects_shown(results: Results) -> Table:
    """One row a contrast: effect, both intervals, seeds, mean, and what it costs."""
    facts, unit = results.facts, results.facts.unit
    suffix = f"_{unit.lower()}" if unit else ""
    decimals = effect_decimals(results)
    change = results.variants.set_index("variant")["change"]
    parameters = results.variants.set_index("variant")["parameters"]
    planned, scores = by_variant(results), scores_by_seed(results)
    macs = results.variants.set_index("variant")["macs_720p"]
    base = facts.baseline
    rows: list[tuple[Value, ...]] = []
    for effect in ranked(results):
        name = effect.variant
        wanting = why_wanting(planned[name])
        if scores[name] and not effect.pairs:
            wanting = Mark("no baseline", f"the baseline {base} has no finished run on these seeds")
        few = Mark("one seed", "an interval needs at least two seeds") if effect.pairs else wanting
        limits = (effect.low, effect.high, effect.simultaneous_low, effect.simultaneous_high)
        rows.append(
            (
                name,
                effect.mean if effect.pairs else wanting,
                *(x if x == x else few for x in limits[:2]),
                effect.pairs,
                mean_of(list(scores[name].values())) if scores[name] else wanting,
                known_or_mark(number(parameters.get(name)) - number(parameters.get(base))),
                known_or_mark(_percent_more(number(macs.get(name)), number(macs.get(base)))),
                *(x if x == x else few for x in limits[2:]),
                states_of(planned[name]),
                text(change.get(name)),
            )
        )

    def difference(key: str, heading: str, note: str = "") -> Column:
        return Column(f"{key}{suffix}", heading, unit, "difference", decimals, note)

    both = "over all contrasts at once (Bonferroni)"
    columns = (
        Column("variant", "variant"),
        difference("effect", "effect"),
        difference("low", "95 % from"),
        difference("high", "95 % to"),
        Column("seeds", "seeds", kind="count", note="seeds that variant and baseline both have"),
        Column(f"{facts.metric}{suffix}", metric_name(facts.metric), unit, "number", decimals),
        Column("parameters_more", "more parameters", kind="difference"),
        Column("macs_more_percent", "more MACs", "%", "difference", 1),
        difference("all_low", "simultaneous from", both),
        difference("all_high", "simultaneous to", both),
        Column("runs", "runs"),
        Column("change", "change"),
    )
    caption = (
        f"Effects on {metric_name(facts.metric)} on {facts.dataset} against {base}, "
        f"paired by seed, protocol {facts.protocol}"
    )
    return Table("effects", caption, columns, tuple(rows))


def _percent_more(value: float, base: float) -> float:
    return 100 * (value / base - 1) if base else float("nan")
