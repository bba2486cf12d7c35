"""The looks of a study that adds seeds until decided: every one taken, with its verdict."""

from __future__ import annotations

from srbench.analysis.looks_taken import looks_differ, looks_heading, looks_taken
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, text
from srbench.core.table import Column, Mark, Table, Value, in_unit, limits
from srbench.report.section import Section


def looks_shown(results: Results) -> Table:
    """One row a contrast and look: as it was taken, or as the rows give it where none is stored."""
    unit, d = results.facts.unit, effect_decimals(results)
    none = Mark("none", "too few seeds, or no min_effect")
    rows: list[tuple[Value, ...]] = []
    for row in looks_taken(results):
        numbers = [number(row[key]) for key in ("effect", "low", "high")]
        tests = [number(row[key]) for key in ("p", "nominal", "p_within", "nominal_within")]
        rows.append(
            (
                text(row["variant"]),
                int(row["seeds"]),
                int(row["pairs"]),
                *(x if x == x else none for x in numbers),
                *(x if x == x else none for x in tests),
                text(row["verdict"]) or "no verdict",
                text(row["taken"]),
            )
        )
    columns = (
        Column("variant", "variant"),
        Column("look", "look at", "seeds", "count"),
        Column("pairs", "seeds", kind="count", note="finished and scored"),
        in_unit("effect", "effect", unit, d),
        *limits(unit, d, name="repeated"),
        Column("p", "p different", kind="p", note="after Holm over all contrasts"),
        Column("nominal", "needed", kind="p", note="level of this look"),
        Column("p_within", "p equivalent", kind="p", note="after Holm over all contrasts"),
        Column("nominal_within", "needed there", kind="p", note="level of this look"),
        Column("verdict", "verdict", kind="verdict"),
        Column("taken", "taken"),
    )
    return Table("looks", "Every look taken, contrast by contrast", columns, tuple(rows))


def section(results: Results) -> Section:
    """The looks, where the study adds seeds until decided."""
    table = looks_shown(results)
    return Section(
        "looks",
        "Looks",
        looks_heading(results) if table.rows else "",
        (table,),
        template="section_looks.html",
        shows={"differ": looks_differ(results)},
    )
