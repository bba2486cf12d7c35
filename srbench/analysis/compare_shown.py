"""A comparison of two studies or variants in a sentence and in tables."""

from __future__ import annotations

from srbench.analysis.compare import Outcome, StudyComparison
from srbench.analysis.results import StudyFacts
from srbench.core.numbers import justified_decimals, plural, shown, with_unit
from srbench.core.table import Column, Mark, Table, Value

ABSENT = Mark("absent", "there is no such setting on this side")


def sentence(comparison: StudyComparison) -> str:
    """The comparison in one or two sentences."""
    a, b = comparison.a.name, comparison.b.name
    if comparison.refusals:
        return f"{a} and {b} cannot be compared: {'; '.join(comparison.refusals)}."
    primary = [o for o in comparison.outcomes if o.primary]
    known = [o for o in primary if o.effect.pairs]
    if not primary:
        return f"{a} and {b} have no variant in common."
    if not known:
        return f"{a} and {b} share no finished seed, so there is no difference."
    facts, d = comparison.facts, decimals(comparison, known[0].metric)
    better = -1 if facts.lower_is_better else 1
    if len(primary) == 1:
        return f"{b} against {a}: {_in_words(known[0], d, facts)}."
    if not any(any(o.effect.differences) for o in known):
        return f"All {plural(len(known), 'variant')} that {a} and {b} share score the same."
    apart = [o for o in known if o.effect.excludes_zero]
    up = sum(better * o.effect.mean > 0 for o in apart)
    widest = max(known, key=lambda o: abs(o.effect.mean))
    return (
        f"Of {plural(len(known), 'variant')} that {a} and {b} share, {up} score better in {b} "
        f"and {len(apart) - up} worse, clear of zero each for itself. "
        f"The widest difference: {widest.what}, {_in_words(widest, d, facts)}."
    )


def settings_shown(comparison: StudyComparison) -> Table:
    """One row for each setting that differs."""
    columns = (
        Column("setting", "setting"),
        Column("a", comparison.a.name),
        Column("b", comparison.b.name),
    )
    rows = tuple(
        (place, *(ABSENT if value is None else value for value in values))
        for place, *values in comparison.settings
    )
    return Table("settings", "Settings that differ", columns, rows)


def outcomes_shown(comparison: StudyComparison, *, primary: bool) -> Table:
    """One row for each variant: both means, the difference with its intervals, seeds."""
    chosen = [o for o in comparison.outcomes if o.primary == primary]
    metrics = {o.metric for o in chosen}
    d = max((decimals(comparison, m) for m in metrics), default=2)
    unit = comparison.facts.unit_of(next(iter(metrics))) if len(metrics) == 1 else ""
    rows: list[tuple[Value, ...]] = []
    for o in chosen:
        lacking = Mark("no pair", "no seed that both have finished")
        few = (
            Mark("one seed", "an interval needs at least two seeds") if o.effect.pairs else lacking
        )
        ends = (o.effect.low, o.effect.high, o.effect.simultaneous_low, o.effect.simultaneous_high)
        where: tuple[Value, ...] = () if primary else (comparison.facts.heading(o.metric), o.images)
        rows.append(
            (
                o.what,
                *where,
                *(x if x == x else Mark("missing", "no finished run") for x in (o.a, o.b)),
                o.effect.mean if o.effect.pairs else lacking,
                *(x if x == x else few for x in ends),
                o.effect.pairs,
            )
        )
    columns = [Column("variant", "variant")]
    if not primary:
        columns += [Column("metric", "metric"), Column("images", "images")]
    both = "over all rows of the first table at once (Bonferroni)"
    columns += [
        Column("a", comparison.a.name, unit, "number", d),
        Column("b", comparison.b.name, unit, "number", d),
        Column("difference", "difference", unit, "difference", d),
        Column("low", "95 % from", unit, "difference", d),
        Column("high", "95 % to", unit, "difference", d),
        Column("all_low", "simultaneous from", unit, "difference", d, both),
        Column("all_high", "simultaneous to", unit, "difference", d, both),
        Column("seeds", "seeds", kind="count"),
    ]
    name = "outcome" if primary else "secondary"
    what = "primary outcome" if primary else "other metrics and images"
    caption = f"{comparison.b.name} minus {comparison.a.name}, {what}, paired by seed"
    return Table(name, caption, tuple(columns), tuple(rows))


def decimals(comparison: StudyComparison, metric: str) -> int:
    """Decimals that the intervals of the differences justify."""
    rows = [o.effect for o in comparison.outcomes if o.metric == metric]
    return justified_decimals(
        [(e.high - e.low) / 2 for e in rows], comparison.facts.unit_of(metric)
    )


def _in_words(outcome: Outcome, d: int, facts: StudyFacts) -> str:
    e = outcome.effect
    size = with_unit(shown(e.mean, d, signed=True), facts.unit_of(outcome.metric))
    where = f"{size} in {facts.heading(outcome.metric)} on {outcome.images}"
    if e.pairs < 2:
        return f"{where} (1 seed, no interval)"
    seeds = plural(e.pairs, "seed")
    return f"{where} (95 % interval {shown(e.low, d)} to {shown(e.high, d)}, {seeds})"
