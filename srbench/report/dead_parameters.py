"""The table of dead parameters and what they hid."""

from __future__ import annotations

from functools import lru_cache

from srbench.analysis.dead_parameters import difference, unreached
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.core.table import Column, Mark, Table, Value

NOBODY = Mark("none", "no variant of this study differs in that alone")


WANTING = Mark("wanting", "fewer than two seeds that both have")


@lru_cache(maxsize=8)
def unreached_shown(results: Results) -> Table:
    """Each variant with dead parameters, as it ran and wired in, against the one without."""
    decimals, unit = effect_decimals(results), results.facts.unit
    rows: list[tuple[Value, ...]] = []
    for found in unreached(results):
        rows.append(
            (
                found.variant,
                found.parameters,
                found.dead,
                found.share,
                found.without or NOBODY,
                *_cells(results, found.variant, found.without),
                found.wired or NOBODY,
                *_cells(results, found.wired, found.without),
            )
        )
    columns = (
        Column("variant", "variant"),
        Column("parameters", "parameters", kind="count"),
        Column("dead", "dead", kind="count"),
        Column("share", "dead", "%", "number", 1),
        Column("without", "without it"),
        Column("ran", "as it ran", unit, "difference", decimals, "minus the one without"),
        Column("ran_low", "as it ran, 95 % from", unit, "difference", decimals),
        Column("ran_high", "as it ran, 95 % to", unit, "difference", decimals),
        Column("wired", "all wired in"),
        Column("wired_in", "wired in", unit, "difference", decimals, "minus the one without"),
        Column("wired_low", "wired in, 95 % from", unit, "difference", decimals),
        Column("wired_high", "wired in, 95 % to", unit, "difference", decimals),
    )
    caption = f"Dead parameters and what they hid, {results.facts.heading()}"
    return Table("unreached", caption, columns, tuple(rows))


def _cells(results: Results, a: str, b: str) -> tuple[Value, Value, Value]:
    if not a or not b:
        return NOBODY, NOBODY, NOBODY
    found = difference(results, a, b)
    return (WANTING,) * 3 if found is None else (found.mean, found.low, found.high)
