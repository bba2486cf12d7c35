"""Published figures beside ours; they enter no effect."""

from __future__ import annotations

from math import floor, log10

from srbench.analysis.published_comparison import (
    agreements,
    figure_pairs,
    published_heading,
    unmatched_text,
)
from srbench.analysis.results import Results
from srbench.core.table import Column, Mark, Table, Value
from srbench.report.section import Section


def section(results: Results) -> Section:
    """Their figures and ours, and whether the variants have the same order."""
    return Section(
        "published",
        "Beside the published",
        published_heading(results) if len(results.published) else "",
        (published_shown(results), agreements_shown(results)),
        template="section_published.html",
        shows={"unmatched": unmatched_text(results)},
    )


def published_shown(results: Results) -> Table:
    """One row a published figure of a variant that is here too."""
    found = figure_pairs(results)
    rows: list[tuple[Value, ...]] = []
    for row in found:
        missing = Mark("missing", row.why or "no finished run")
        counted = Mark("exact", "a count") if row.exact else Mark("few seeds", "needs two seeds")
        half = row.ours.half
        d = digits_of(half if half == half else 0.0, row.theirs)
        ours = round(row.ours.mean, d)
        rows.append(
            (
                row.variant,
                row.quantity,
                row.dataset or ("" if row.epoch != row.epoch else "training"),
                f"{row.epoch:g}" if row.epoch == row.epoch else "",
                row.theirs,
                ours if row.ours.count else missing,
                round(half, d) if half == half else counted if row.ours.count else missing,
                round(ours - row.theirs, d) if row.ours.count else missing,
                row.unit,
                0 if row.exact else row.ours.count,
                row.source,
            )
        )
    columns = (
        Column("variant", "variant"),
        Column("quantity", "quantity"),
        Column("dataset", "on"),
        Column("epoch", "epoch"),
        Column("published", "published", kind="measure"),
        Column("ours", "ours", kind="measure"),
        Column(
            "ours_half", "ours \u00b1", kind="measure", note="95 %, over seeds; times over rounds"
        ),
        Column("difference", "ours \u2212 published", kind="measure"),
        Column("unit", "unit"),
        Column("seeds", "seeds", kind="count", note="of times, rounds"),
        Column("source", "source"),
    )
    caption = "Published figures beside ours; protocols and images may differ"
    return Table("published", caption, columns, tuple(rows))


def digits_of(half: float, theirs: float) -> int:
    """Decimals of ours: two digits of its half-width; without one, four digits of theirs."""
    if half > 0:
        return 1 - floor(log10(half))
    return 0 if theirs == 0 else max(0, 3 - floor(log10(abs(theirs))))


def agreements_shown(results: Results) -> Table:
    """Whether their order is ours: one row a source, quantity and dataset."""
    few = Mark("few variants", "an interval needs five variants")
    rows: list[tuple[Value, ...]] = []
    for source, quantity, dataset, found in agreements(results):
        if found.coefficient == found.coefficient:
            ends = (found.low, found.high) if found.low == found.low else (few, few)
            where = (results.facts.heading(quantity), dataset, found.items)
            rows.append((*where, found.coefficient, *ends, found.p, source))
    columns = (
        Column("quantity", "quantity"),
        Column("dataset", "on"),
        Column("variants", "variants", kind="count"),
        Column("correlation", "rank correlation", "", "number", 2, note="Kendall's tau-b"),
        Column("low", "95 % from", "", "number", 2),
        Column("high", "95 % to", "", "number", 2),
        Column("p", "p", kind="p"),
        Column("source", "source"),
    )
    return Table("agreement", "The order of the variants, published and here", columns, tuple(rows))
