"""What the study cannot tell, and the remarks of its file."""

from __future__ import annotations

from srbench.analysis.limits import cannot_tell
from srbench.analysis.results import Results
from srbench.report.section import Section


def section(results: Results) -> Section:
    """The limits of the evidence, one sentence each."""
    return Section(
        "limits",
        "What it cannot tell",
        "What this study cannot tell",
        template="section_limits.html",
        shows={"limits": cannot_tell(results)},
    )
