"""The effect of each factor of a designed study: main effects, interactions, Shapley shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from srbench.analysis.attribution import (
    Contribution,
    attributed,
    attribution_decimals,
    attribution_heading,
    attribution_notes,
)
from srbench.analysis.results import Results
from srbench.core.numbers import plural, shown
from srbench.core.table import Column, Mark, Table, Value, in_unit, limits
from srbench.report.forest import Tick, axis_ticks
from srbench.report.section import Section


@dataclass(frozen=True)
class Bars:
    """Estimates as rows on one common axis, for a picture in a table."""

    key: str
    title: str
    says: str
    rows: tuple[Contribution, ...]
    low: float
    high: float
    ticks: tuple[Tick, ...]

    def place(self, value: float) -> float:
        """Percent of the width, 0 to 100, cut at the frame."""
        return min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low)))


def attribution_bars(results: Results) -> list[Bars]:
    """The pictures: Shapley shares, averaged effects, effects at the base."""
    found = attributed(results)
    if found is None:
        return []
    titles = (
        ("shapley", "Shapley shares", found.shapley,
         "The gain of each factor, averaged over every order in which the factors could have "
         "been added; the shares add up to the gain of all factors together."),
        ("averaged", "Averaged over the other factors", found.averaged,
         "The effect of a factor, averaged over all settings of the others. An interaction "
         "(a:b) is the effect of a with b, minus its effect without."),
        ("at_base", "Added to the base alone", found.at_base,
         "The effect of a factor on the base network. An interaction is the effect of both "
         "together, minus the effect of each alone."),
    )  # fmt: skip
    return [_bars(*title) for title in titles if title[2]]


def attribution_shown(results: Results) -> Table:
    """Every estimate with both intervals, for page, CSV and LaTeX."""
    found, unit, d = attributed(results), results.facts.unit, attribution_decimals(results)
    few = Mark("one seed", "an interval needs at least two seeds")
    rows: list[tuple[Value, ...]] = []
    groups = (
        [("Shapley", found.shapley), ("averaged", found.averaged), ("at the base", found.at_base)]
        if found
        else []
    )
    for coding, contributions in groups:
        for c in contributions:
            both_ends = (c.low, c.high, c.simultaneous_low, c.simultaneous_high)
            ends = [x if isfinite(x) else few for x in both_ends]
            kind = (
                "share" if coding == "Shapley" else "effect" if len(c.term) == 1 else "interaction"
            )
            mixed = ", ".join(c.mixed_with)
            rows.append((c.name, kind, coding, c.mean, *ends, len(c.by_seed), mixed))
    both = "over all estimates of its list at once (Bonferroni)"
    columns: tuple[Column, ...] = (
        Column("term", "factor"),
        Column("kind", "kind"),
        Column("coding", "how"),
        in_unit("estimate", "estimate", unit, d),
        *limits(unit, d),
        *limits(unit, d, "all_", "simultaneous", both),
        Column("seeds", "seeds", kind="count"),
        Column("mixed_with", "aliased with"),
    )
    if not any(row[-1] for row in rows):  # only a fraction mixes
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    caption = f"Effect of each factor on {results.facts.heading()}"
    return Table("attribution", caption, columns, tuple(rows))


def _bars(key: str, title: str, rows: Sequence[Contribution], says: str) -> Bars:
    ends = [x for c in rows for x in (c.mean, c.low, c.high) if isfinite(x)]
    wide = [x for c in rows for x in (c.simultaneous_low, c.simultaneous_high) if isfinite(x)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    span = (high - low) or 1.0
    low, high = max(min([low, *wide]), low - span), min(max([high, *wide]), high + span)
    pad = 0.05 * ((high - low) or 1.0)
    low, high = low - pad, high + pad
    return Bars(key, title, says, tuple(rows), low, high, axis_ticks(low, high))


def section(results: Results) -> Section:
    """The effect of each factor, where the study has a design."""
    found, d = attributed(results), attribution_decimals(results)
    return Section(
        "attribution",
        "Effect of each factor",
        attribution_heading(results) if found else "",
        (attribution_shown(results),),
        template="section_attribution.html",
        shows={
            "notes": attribution_notes(results),
            "bars": attribution_bars(results),
            "seeds": plural(len(found.seeds), "seed") if found else "",
            "said": lambda value: shown(value, d, signed=True),
            "ends": lambda c: f"{shown(c.low, d)} to {shown(c.high, d)}",
        },
    )
