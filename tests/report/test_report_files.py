"""What a report writes: the same bytes each time, all that was promised, nothing live."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fontTools import subset
from states import STATES
from synthetic_study import study, with_pictures

from srbench.analysis.results import Results
from srbench.core.errors import UserError
from srbench.report import write
from srbench.report.answer import forest_figure
from srbench.report.effects import effects_shown
from srbench.report.figure_matplotlib import draw_all
from srbench.report.files import folder_name
from srbench.report.page import page
from srbench.report.reproduce import origin
from srbench.report.section import figures_of
from srbench.report.sections import sections_of


def files(folder: Path) -> dict[str, bytes]:
    paths = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return with_pictures(study(), tmp_path_factory.mktemp("db"))


@pytest.fixture(scope="module")
def report(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a finished study, with all its files."""
    return write([results], tmp_path_factory.mktemp("report"), plotly="beside")


def test_the_same_rows_give_the_same_bytes_also_from_csv(
    results: Results, report: Path, tmp_path: Path
) -> None:
    results.to_folder(results.root)
    write([Results.from_folder(results.root)], tmp_path, plotly="beside")
    assert files(tmp_path) == files(report.parent)


def test_a_report_has_page_tables_figures_and_pictures(results: Results, report: Path) -> None:
    names = set(files(report.parent))
    assert {"effects.csv", "effects.tex", "scores.csv", "runs.csv", "plotly.min.js"} <= names
    assert {"figures/forest.svg", "figures/forest.pdf", "figures/cost-parameters.svg"} <= names
    copied = [name for name in names if name.startswith("pictures/")]
    assert len(copied) == 3 * (2 + len(results.variants))
    assert report.read_text("utf-8").count("data:image/png;base64,") >= 3 * 6


def test_the_page_shows_the_numbers_of_the_table(results: Results, report: Path) -> None:
    html, table = report.read_text("utf-8"), effects_shown(results)
    for row in table.rows:
        for value, column in zip(row, table.columns, strict=True):
            assert f">{table.cell(value, column).replace('_', '_<wbr>')}<" in html


def test_names_from_a_study_are_never_markup() -> None:
    hostile = STATES["hostile names"]()
    found = sections_of(hostile)
    drawn = draw_all(figures_of(found))
    drawings = {name: drawn[name][0] for name in ("curves-loss", "cost-parameters")}
    html = page(hostile, found, drawings, plotly_js="beside")
    assert "<script>alert" not in html
    assert not re.search(r"\son[a-z]+=", html[: html.index("<script>")])


def test_every_script_is_named_by_its_hash() -> None:
    html = page(study(), sections_of(study()), {})
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert policy.group(1).startswith("default-src &#39;none&#39;")
    assert "unsafe-eval" not in policy.group(1)
    assert "script-src &#39;unsafe-inline" not in policy.group(1)


def test_several_studies_get_folders_and_a_list(tmp_path: Path) -> None:
    html = write([STATES["nothing started"]()] * 2, tmp_path, plotly="beside").read_text("utf-8")
    assert 'href="quickstart/index.html"' in html
    assert 'href="quickstart-2/index.html"' in html
    assert (tmp_path / "quickstart-2" / "index.html").is_file()


def test_no_study_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no study to report"):
        write([], tmp_path)


@pytest.mark.slow
def test_every_state_has_a_page(any_state: Results, tmp_path: Path) -> None:
    html = write([any_state], tmp_path, plotly="beside").read_text("utf-8")
    assert "nan" not in re.sub(r"<[^>]*>", " ", html[: html.index("<script")]).lower().split()


def test_no_two_names_of_studies_share_a_folder() -> None:
    names = ["x_1", "x=1", "x/1", "x", "x.", "-x", "_x", "..", "", "study", "名前"]
    assert len({folder_name(name) for name in names}) == len(names)
    assert [folder_name(name) for name in ("x_1", "a.b c", "名前")] == ["x_1", "a.b c", "名前"]


def test_a_command_can_be_pasted_into_a_shell() -> None:
    made = study()
    given = ("--set train.optimizer={sgd: {lr: 1e-3}}", "--seeds 2", "--only resid*")
    results = replace(made, facts=replace(made.facts, overrides=given))
    words = shlex.split(origin(results).commands[0])
    assert words[3:] == ["--set", "train.optimizer={sgd: {lr: 1e-3}}", "--seeds", "2",
                         "--only", "resid*"]  # fmt: skip


def test_a_name_that_no_font_holds_is_drawn_without_a_word() -> None:
    names = {"plain": 0.0, "\U0001f469\u200d\U0001f680 \ufdfa": 1.0}
    svg, pdf = draw_all({"forest": forest_figure(study(names))})["forest"]
    assert "\ufdfa" in svg
    assert pdf.startswith(b"%PDF")


def test_the_whole_font_is_read_once_for_all_pdfs(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    load_font = subset.load_font

    def counted(file: str, *given: Any, **named: Any) -> Any:
        read.append(Path(file).name)
        return load_font(file, *given, **named)

    monkeypatch.setattr(subset, "load_font", counted)
    drawn = draw_all(figures_of(sections_of(results)))
    assert read.count("DejaVuSans.ttf") == 1
    assert all(b"DejaVuSans" in pdf and b"FontFile2" in pdf for _, pdf in drawn.values())


def test_a_byte_order_mark_in_a_name_is_drawn_in_every_figure() -> None:
    drawn = draw_all(figures_of(sections_of(study({"plain": 0.0, "\ufeffa\ufeff": 1.0}))))
    assert len(drawn) > 3
    assert all(pdf.startswith(b"%PDF") for _, pdf in drawn.values())


def test_rows_that_are_handed_on_hold_no_path_of_the_machine(
    results: Results, tmp_path: Path
) -> None:
    facts = replace(results.facts, file="../somebody/ablations/x.yaml")
    replace(results, facts=facts).to_folder(tmp_path)
    assert "somebody" not in (tmp_path / "study.json").read_text("utf-8")
    assert Results.from_folder(tmp_path).facts.file == ""
