"""The claims of the study file, and what became of each."""

from __future__ import annotations

from srbench.analysis.claims import claims_heading, claims_of, claims_shown, findings_shown
from srbench.analysis.results import Results
from srbench.report.section import Section


def section(results: Results) -> Section:
    """Every claim with its status; shown where the study makes any."""
    return Section(
        "claims",
        "Claims",
        claims_heading(results) if claims_of(results) else "",
        (claims_shown(results), findings_shown(results)),
        template="section_claims.html",
    )
