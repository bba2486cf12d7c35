"""A section is one value: page, contents and files follow from the list. About 2 s."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_study import study

from srbench.core.table import Column, Table
from srbench.report import sections, write
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


def test_no_two_sections_tables_or_figures_share_a_name() -> None:
    found = sections_of(study())
    names = [section.id for section in found]
    names += [table.name for section in found for table in section.tables]
    names += [figure for section in found for figure in section.figures]
    for kind in (names[: len(found)], names[len(found) :]):
        assert len(set(kind)) == len(kind)


def test_a_section_without_a_heading_is_left_out_and_its_tables_are_written(
    tmp_path: Path,
) -> None:
    html = write([study()], tmp_path, plotly="beside").read_text("utf-8")
    assert "#claims" not in html
    assert (tmp_path / "claims.csv").is_file()
