"""What the page's sections on verdicts, looks, claims, convergence and published figures show."""

from __future__ import annotations

from typing import Any

from srbench.analysis.convergence import (
    convergence_heading,
    convergence_shown,
    plateaus,
    ranking_said,
    tolerance_said,
)
from srbench.analysis.limits import noise_said
from srbench.analysis.published_comparison import (
    agreements_shown,
    published_heading,
    published_shown,
    unmatched_said,
)
from srbench.analysis.results import Results
from srbench.analysis.study_claims import claims_heading, claims_of, claims_shown, findings_shown
from srbench.analysis.twins import twins_said
from srbench.report.table_effects import controls_shown, effects_shown
from srbench.report.table_looks import looks_differ, looks_heading, looks_shown


def judged_tables(results: Results) -> dict[str, Any]:
    """The tables of these sections, by name."""
    made = (
        effects_shown, controls_shown, looks_shown, claims_shown, findings_shown,
        convergence_shown, published_shown, agreements_shown,
    )  # fmt: skip
    return {table.name: table for table in (make(results) for make in made)}


def judged_parts(results: Results) -> dict[str, Any]:
    """Headings and sentences of these sections; a heading is "" where its section has no place."""
    return {
        "noise": noise_said(results),
        "twins": twins_said(results),
        "looks": {"heading": looks_heading(results), "differ": looks_differ(results)},
        "claims_heading": claims_heading(results) if claims_of(results) else "",
        "convergence": {
            "heading": convergence_heading(results),
            "known": bool(plateaus(results)),
            "ranking": ranking_said(results),
            "tolerance": tolerance_said(results),
        },
        "published": {
            "heading": published_heading(results) if len(results.published) else "",
            "unmatched": unmatched_said(results),
        },
    }
