"""Whom the parts of the study cite, and where the statistics come from."""

from __future__ import annotations

from srbench.analysis.results import Results
from srbench.report.section import Section


def section(results: Results) -> Section:
    """Citations of the parts and of the methods."""
    return Section(
        "references",
        "References",
        "References",
        template="section_references.html",
        shows={"sequential": bool(results.facts.looks)},
    )
