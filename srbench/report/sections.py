"""The sections of a report in the order of the page: a new one is a file and a line here."""

from __future__ import annotations

from pathlib import Path

from srbench.analysis.results import Results
from srbench.core.files import write_derived
from srbench.core.table import Table
from srbench.report import (
    answer,
    attribution,
    claims,
    costs,
    curves,
    degradations,
    effects,
    failures,
    limits,
    looks,
    pictures,
    published,
    quality_cost,
    references,
    reproduce,
    scores,
    search,
    where,
)
from srbench.report.markdown import markdown_table
from srbench.report.section import Section

SECTIONS = [
    answer.section, search.section, effects.section, looks.section, claims.section,
    curves.section, attribution.section, quality_cost.section, where.section,
    degradations.section, pictures.section, scores.section, costs.section, published.section,
    failures.section, limits.section, reproduce.section, references.section,
]  # fmt: skip


def sections_of(results: Results) -> list[Section]:
    """Every section of a study, in the order of the page."""
    return [make(results) for make in SECTIONS]


def tables_of(results: Results) -> list[Table]:
    """Every table of a study; its name is the name of its files."""
    return [table for section in sections_of(results) for table in section.tables]


def write_tables(results: Results, folder: Path, format_: str) -> list[Path]:
    """Every table with rows as LaTeX or Markdown (`latex`, `markdown`), a file each, sorted."""
    files = []
    for table in tables_of(results):
        if table.rows:
            latex = format_ == "latex"
            files.append(folder / f"{table.name}.{'tex' if latex else 'md'}")
            content = table.latex() if latex else markdown_table(table)
            write_derived(files[-1], content.encode())
    return sorted(files)
