"""A comparison of two studies or variants in a sentence and in tables."""

from __future__ import annotations

from srbench.analysis.compare import Outcome, StudyComparison
from srbench.analysis.phrases import interval_text
from srbench.core.numbers import justified_decimals, plural, shown, with_unit
from srbench.core.table import Column, Mark, Table, Value

ABSENT = Mark("absent", "there is no such setting on this side")
UNFINISHED = Mark("missing", "no finished run")
NO_PAIR = Mark("no pair", "no seed that both have finished")
ONE_SEED = Mark("one seed", "an interval needs at least two seeds")


def sentence(comparison: StudyComparison) -> str:
    """The comparison in one or two sentences."""
    a, b = comparison.a.name, comparison.b.name
    if comparison.refusals:
        return f"{a} and {b} cannot be compared: {'; '.join(comparison.refusals)}."
    primary = [o for o in comparison.outcomes if o.primary]
    known = [o for o in primary if o.effect.count]
    if not primary:
        return f"{a} and {b} have no variant in common."
    if not known:
        return f"{a} and {b} share no finished seed, so there is no difference."
    if len(primary) == 1:
        return f"{b} against {a}: {_in_words(comparison, known[0])}."
    if all(o.identical for o in known):
        return f"All {plural(len(known), 'variant')} that {a} and {b} share score the same."
    apart = [o for o in known if o.effect.excludes_zero]
    up = sum(comparison.facts.sign * o.effect.mean > 0 for o in apart)
    widest = max(known, key=lambda o: abs(o.effect.mean))
    return (
        f"Of {plural(len(known), 'variant')} that {a} and {b} share, {up} score better in {b} "
        f"and {len(apart) - up} worse, clear of zero each for itself. "
        f"The widest difference: {widest.what}, {_in_words(comparison, widest)}."
    )


def settings_shown(comparison: StudyComparison) -> Table:
    """One row for each setting that differs."""
    a, b = _headings(comparison)
    names = (("setting", "setting"), ("a", a), ("b", b))
    rows = tuple(
        (place, *(ABSENT if value is None else value for value in values))
        for place, *values in comparison.settings
    )
    columns = tuple(Column(*name) for name in names)
    return Table("settings", "Settings that differ", columns, rows)


def outcomes_shown(comparison: StudyComparison, *, primary: bool) -> Table:
    """One row for each variant: both means, the difference with its intervals, seeds."""
    chosen = [o for o in comparison.outcomes if o.primary == primary]
    metrics = {o.metric for o in chosen}
    d = max((decimals(comparison, m) for m in metrics), default=2)
    unit = comparison.facts.unit_of(next(iter(metrics))) if len(metrics) == 1 else ""
    a, b = _headings(comparison)
    both = "over all rows of the first table at once (Bonferroni)"
    columns = [
        Column("variant", "variant"),
        Column("metric", "metric"),
        Column("images", "images"),
        Column("a", a, unit, "number", d),
        Column("b", b, unit, "number", d),
        Column("difference", "difference", unit, "difference", d),
        Column("low", "95 % from", unit, "difference", d),
        Column("high", "95 % to", unit, "difference", d),
        Column("all_low", "simultaneous from", unit, "difference", d, both),
        Column("all_high", "simultaneous to", unit, "difference", d, both),
        Column("seeds", "seeds", kind="count"),
    ]
    rows = [_row(comparison, o) for o in chosen]
    if primary:  # the same metric and images in every row
        columns, rows = columns[:1] + columns[3:], [row[:1] + row[3:] for row in rows]
    name = "outcome" if primary else "secondary"
    what = "primary outcome" if primary else "other metrics and images"
    caption = f"{comparison.b.name} minus {comparison.a.name}, {what}"
    return Table(name, caption, tuple(columns), tuple(rows))


def _headings(comparison: StudyComparison) -> tuple[str, str]:
    """The two sides as headings: of variants of one study their own names."""
    a, b = comparison.a, comparison.b
    if a.variant and b.variant and a.results.facts.name == b.results.facts.name:
        return a.variant, b.variant
    return a.name, b.name


def _row(comparison: StudyComparison, o: Outcome) -> tuple[Value, ...]:
    few = ONE_SEED if o.effect.count else NO_PAIR
    ends = (o.effect.low, o.effect.high, o.simultaneous.low, o.simultaneous.high)
    return (
        o.what,
        comparison.facts.heading(o.metric),
        o.images,
        *(x if x == x else UNFINISHED for x in (o.a, o.b)),
        o.effect.mean if o.effect.count else NO_PAIR,
        *(x if x == x else few for x in ends),
        o.effect.count,
    )


def decimals(comparison: StudyComparison, metric: str) -> int:
    """Decimals that the intervals of the differences justify."""
    halves = [o.effect.half for o in comparison.outcomes if o.metric == metric]
    return justified_decimals(halves, comparison.facts.unit_of(metric))


def _in_words(comparison: StudyComparison, o: Outcome) -> str:
    facts, d = comparison.facts, decimals(comparison, o.metric)
    size = with_unit(shown(o.effect.mean, d, signed=True), facts.unit_of(o.metric))
    return f"{size} in {facts.heading(o.metric)} on {o.images} ({interval_text(o.effect, d)})"
