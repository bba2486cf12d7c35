"""The looks that a study has taken: their state, and whether the rows still agree with them."""

from __future__ import annotations

from typing import Any

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.ranking import ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import text
from srbench.core.numbers import listed, plural


def looks_heading(results: Results) -> str:
    """How many contrasts are decided, and when the next look is."""
    found = [e.course for e in judgement(results).contrasts if e.course is not None]
    decided = sum(course.state == "decided" for course in found)
    nexts = [course.next_look for course in found if course.next_look is not None]
    message = f"{decided} of {plural(len(found), 'contrast')} decided"
    if nexts:
        return f"{message}; the next look is at {min(nexts)} seeds"
    return message + ("" if decided == len(found) else "; no look is left")


def looks_differ(results: Results) -> str:
    """Stored looks whose verdict differs from what the rows give today; "" where they agree."""
    today = {(row["variant"], row["seeds"]): row["verdict"] for row in _computed(results)}
    other = [
        f"{variant} at {seeds} seeds ({then or 'no verdict'} then)"
        for variant, seeds, then in (
            (text(row["variant"]), int(row["seeds"]), text(row["verdict"]))
            for row in results.looks.to_dict("records")
        )
        if today.get((variant, seeds), then) != then
    ]
    if not other:
        return ""
    return f"The rows give another verdict today than was stored for {listed(other)}."


def looks_taken(results: Results) -> list[dict[Any, Any]]:
    """Every look, as it was stored, or as the rows give it where none is stored."""
    order = {effect.variant: i for i, effect in enumerate(ranked(results))}
    rows = results.looks.to_dict("records") or _computed(results)
    return sorted(rows, key=lambda r: (order.get(str(r["variant"]), len(order)), int(r["seeds"])))


def look_rows(effect: Judged) -> list[dict[str, Any]]:
    """The looks at one contrast, with the columns that the database has."""
    return [
        {
            "seeds": look.seeds, "pairs": look.n, "effect": look.repeated.mean,
            "low": look.repeated.low, "high": look.repeated.high, "p": look.p,
            "nominal": look.level, "p_within": look.p_within,
            "nominal_within": look.level, "verdict": look.word or "",
        }
        for look in (effect.course.looks if effect.course else ())
    ]  # fmt: skip


def _computed(results: Results) -> list[dict[Any, Any]]:
    return [
        {"variant": effect.variant, "taken": "", **row}
        for effect in judgement(results).contrasts
        for row in look_rows(effect)
    ]
