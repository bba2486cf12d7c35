"""The looks that a study has taken: their state, and whether the rows still agree with them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.ranking import ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import text
from srbench.core.numbers import listed, plural


def looks_heading(results: Results) -> str:
    """How far the looks have come."""
    found = [e for e in judgement(results).contrasts if e.course is not None]
    decided = [e for e in found if e.course and e.course.state == "decided"]
    waiting = [e for e in found if e.course and e.course.state == "continue"]
    message = f"{len(decided)} of {plural(len(found), 'contrast')} decided"
    if waiting:
        nexts = sorted({e.course.next_look for e in waiting if e.course and e.course.next_look})
        return f"{message}; the next look is at {nexts[0]} seeds"
    return message + ("" if len(decided) == len(found) else "; no look is left")


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


def looks_taken(results: Results) -> list[dict[Hashable, Any]]:
    """Every look, as it was stored, or as the rows give it where none is stored."""
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
