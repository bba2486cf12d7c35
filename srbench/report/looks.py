"""The looks of a study that adds seeds until decided: every one taken, with its verdict."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.ranking import effect_decimals, ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, text
from srbench.core.numbers import listed, plural
from srbench.core.table import Column, Mark, Table, Value
from srbench.report.section import Section


def looks_shown(results: Results) -> Table:
    """One row a contrast and look: as it was taken, or as the rows give it where none is stored."""
    unit, d = results.facts.unit, effect_decimals(results)
    suffix = f"_{unit.lower()}" if unit else ""
    none = Mark("none", "too few pairs, or no min_effect")
    rows: list[tuple[Value, ...]] = []
    for row in _taken(results):
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
        Column("pairs", "pairs", kind="count"),
        Column(f"effect{suffix}", "effect", unit, "difference", d),
        Column(f"low{suffix}", "repeated from", unit, "difference", d),
        Column(f"high{suffix}", "repeated to", unit, "difference", d),
        Column("p", "p different", kind="p"),
        Column("nominal", "needed", kind="p", note="nominal p of this look, from the spending"),
        Column("p_within", "p equivalent", kind="p"),
        Column("nominal_within", "needed there", kind="p", note="nominal p of this look"),
        Column("verdict", "verdict", kind="verdict"),
        Column("taken", "taken"),
    )
    return Table("looks", "Every look taken, contrast by contrast", columns, tuple(rows))


def looks_heading(results: Results) -> str:
    """How far the looks have come."""
    found = [e for e in judgement(results).contrasts if e.course is not None]
    decided = [e for e in found if e.course and e.course.state == "decided"]
    waiting = [e for e in found if e.course and e.course.state == "continue"]
    said = f"{len(decided)} of {plural(len(found), 'contrast')} decided"
    if waiting:
        nexts = sorted({e.course.next_look for e in waiting if e.course and e.course.next_look})
        return f"{said}; the next look is at {nexts[0]} seeds"
    return said + ("" if len(decided) == len(found) else "; no look is left")


def looks_differ(results: Results) -> str:
    """Stored looks whose verdict differs from what the rows give today; "" where they agree."""
    today = {(e.variant, look["seeds"]): look for e, look in _computed(results)}
    other = []
    for row in results.looks.to_dict("records"):
        key = text(row["variant"]), int(row["seeds"])
        word = text(row["verdict"])
        if key in today and text(today[key]["verdict"]) != word:
            other.append(f"{key[0]} at {key[1]} seeds ({word or 'no verdict'} then)")
    if not other:
        return ""
    return f"The rows give another verdict today than was stored for {listed(other)}."


def _taken(results: Results) -> list[dict[Hashable, Any]]:
    order = {effect.variant: i for i, effect in enumerate(ranked(results))}
    if len(results.looks):
        rows = results.looks.to_dict("records")
    else:
        rows = [
            {"variant": effect.variant, "taken": "", **look} for effect, look in _computed(results)
        ]
    return sorted(rows, key=lambda r: (order.get(str(r["variant"]), len(order)), int(r["seeds"])))


def _computed(results: Results) -> Iterator[tuple[Judged, dict[Hashable, Any]]]:
    for effect in judgement(results).contrasts:
        for look in effect.course.looks if effect.course else ():
            yield effect, {
                "seeds": look.seeds, "pairs": look.n, "effect": look.effect,
                "low": look.repeated.low, "high": look.repeated.high, "p": look.p,
                "nominal": look.nominal, "p_within": look.p_within,
                "nominal_within": look.nominal_within, "verdict": look.word,
            }  # fmt: skip


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
