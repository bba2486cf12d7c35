"""One section of a report, as each section's file gives it: page and files are made from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from srbench.core.table import Table
from srbench.report.figure import Figure


@dataclass(frozen=True)
class Section:
    """A heading that says what is seen, and the tables and figures that show it.

    The page shows a section that has a heading; tables and figures are written in any case.
    """

    id: str  # the anchor on the page
    title: str  # in the list of contents
    heading: str  # one sentence, the takeaway; "" where there is nothing to show
    tables: tuple[Table, ...] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)  # by file name
    template: str = "section.html"
    shows: Mapping[str, Any] = field(default_factory=dict)  # the template's own names
    data: Mapping[str, Any] = field(default_factory=dict)  # element id -> JSON for the scripts


def figures_of(sections: Sequence[Section]) -> dict[str, Figure]:
    """Every figure of a study, by file name."""
    return {name: figure for section in sections for name, figure in section.figures.items()}
