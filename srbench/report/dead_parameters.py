"""The table of dead parameters, with comparable networks in which none are dead."""

from __future__ import annotations

from functools import lru_cache

from srbench.analysis.dead_parameters import difference, variants_with_dead_parameters
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.core.table import Column, Mark, Table, Value

NONE = Mark("none", "no variant of this study differs in that alone")
AGAINST = "minus the one without"
FEW = Mark("few seeds", "fewer than two seeds that both have")


@lru_cache(maxsize=8)
def dead_parameter_table(results: Results) -> Table:
    """Each variant with dead parameters, as trained and all in use, against the one without."""
    decimals, unit = effect_decimals(results), results.facts.unit
    rows: list[tuple[Value, ...]] = []
    for found in variants_with_dead_parameters(results):
        rows.append(
            (
                found.variant,
                found.parameters,
                found.dead,
                found.share,
                found.without or NONE,
                *_cells(results, found.variant, found.without),
                found.wired or NONE,
                *_cells(results, found.wired, found.without),
            )
        )
    columns = (
        Column("variant", "variant"),
        Column("parameters", "parameters", kind="count"),
        Column("dead", "dead", kind="count"),
        Column("share", "dead", "%", "number", 1),
        Column("without", "without it"),
        Column("ran", "effect, as trained", unit, "difference", decimals, AGAINST),
        Column("ran_low", "as trained, 95 % from", unit, "difference", decimals),
        Column("ran_high", "as trained, 95 % to", unit, "difference", decimals),
        Column("wired", "all in use"),
        Column("wired_in", "effect, all in use", unit, "difference", decimals, AGAINST),
        Column("wired_low", "all in use, 95 % from", unit, "difference", decimals),
        Column("wired_high", "all in use, 95 % to", unit, "difference", decimals),
    )
    caption = f"Dead parameters and the effect they conceal, {results.facts.heading()}"
    return Table("dead_parameters", caption, columns, tuple(rows))


def _cells(results: Results, a: str, b: str) -> tuple[Value, Value, Value]:
    if not a or not b:
        return NONE, NONE, NONE
    found = difference(results, a, b)
    return (FEW,) * 3 if found.count < 2 else (found.mean, found.low, found.high)
