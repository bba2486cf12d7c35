"""Findings for Python: the frames have the columns of docs/python.md, a notebook has the answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from synthetic_study import failed, study, with_runs

from srbench.analysis.judgement import judgement
from srbench.report.findings import Findings

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
FRAMES = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|`]*) \|$", PAGE, re.M))


@pytest.fixture(scope="module")
def found() -> Findings:
    return Findings(study())


def test_the_page_has_every_frame() -> None:
    assert set(FRAMES) == {
        "runs", "curves", "scores", "costs", "effects", "verdicts", "claims", "trials",
    }  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_has_the_columns_of_the_page(found: Findings, name: str) -> None:
    assert list(getattr(found, name).columns) == FRAMES[name].split(", ")


def test_verdicts_are_those_of_the_judgement(found: Findings) -> None:
    judged = judgement(found.results)
    assert list(found.verdicts["verdict"][: len(judged.contrasts)]) == [
        one.verdict_word for one in judged.contrasts
    ]


def test_a_notebook_shows_answer_warnings_and_forest(found: Findings) -> None:
    html = found._repr_html_()
    assert html.count("<svg") == 1
    assert found.results.facts.question in html
    assert all(warning.split("(")[0][:40] in html for warning in found.warnings)
    assert found.answer[:40] in repr(found).replace("\n", " ")


def test_a_study_of_failed_runs_has_findings_as_well() -> None:
    bare = Findings(with_runs(study(), failed))
    assert "<svg" in bare._repr_html_()
    assert bare.effects["effect_db"].isna().all()
