"""The first screen: question, answer, how sure, and the forest plot."""

from __future__ import annotations

from srbench.analysis.answer import answer, yardstick_note
from srbench.analysis.limits import facts_line
from srbench.analysis.results import Results
from srbench.analysis.warnings import labels
from srbench.report.figures_static import forest_figure
from srbench.report.forest import forest_of
from srbench.report.section import Section


def section(results: Results) -> Section:
    """The answer, with what qualifies it."""
    facts = results.facts
    return Section(
        "answer",
        "Answer",
        facts.question or facts.name,
        figures={"forest": lambda: forest_figure(results)},
        template="section_answer.html",
        shows={
            "answer": answer(results),
            "labels": labels(results),
            "note": yardstick_note(results),
            "facts_line": facts_line(results),
            "forest": forest_of(results),
        },
    )
