"""A section is one value: page, contents and files follow from the list. About 2 s."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_study import csv_read, study

from srbench.analysis.results import Results
from srbench.core.table import Column, Table
from srbench.report import sections, write
from srbench.report.figure_matplotlib import drawn
from srbench.report.figure_plotly import interactive
from srbench.report.page import page
from srbench.report.section import Section
from srbench.report.sections import sections_of


def test_a_new_section_is_one_value_in_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = (Column("variant", "variant"), Column("words", "words", kind="count"))
    table = Table("made_up", "A made-up table", columns, (("plain", 7),))
    made = Section("made-up", "Made up", "Seven words are enough", (table,))
    monkeypatch.setattr(sections, "SECTIONS", [*sections.SECTIONS[:3], lambda results: made])
    html = write([study()], tmp_path, plotly="beside").read_text("utf-8")
    assert '<li><a href="#made-up">Made up</a></li>' in html
    page = html[html.index('<section id="made-up">') :]
    assert page.index("Seven words are enough") < page.index("A made-up table")
    assert (tmp_path / "made_up.csv").read_text("utf-8") == "variant,words\nplain,7\n"
    assert "A made-up table" in (tmp_path / "made_up.tex").read_text("utf-8")


def test_every_state_has_its_sections(any_state: Results) -> None:
    """Tables are rectangular, figures can be drawn twice, and no name is used twice."""
    found = sections_of(any_state)
    assert found[0].shows["answer"].endswith(".")
    assert {"effects", "curves", "quality-cost", "where", "limits"} <= {
        section.id for section in found if section.heading
    }
    tables = [table for section in found for table in section.tables]
    assert all(csv_read(t).shape == (len(t.rows), len(t.columns)) for t in tables)
    figures = {name: figure for section in found for name, figure in section.figures.items()}
    for figure in figures.values():
        drawn(figure)
        interactive(figure)
    files = [table.name for table in tables] + [n for s in found for n in s.figures]
    assert len(set(files)) == len(files)
    assert len({section.id for section in found}) == len(found)


def test_a_section_without_a_heading_is_left_out_and_its_tables_are_not() -> None:
    found = sections_of(study())
    assert "#claims" not in page(study(), found, {}, plotly_js="beside")
    assert "claims" in {table.name for section in found for table in section.tables}
