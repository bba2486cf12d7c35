"""`srbench cosines`: the matrix as JSON and as a figure, and what is said where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny

Captured = pytest.CaptureFixture[str]


@pytest.mark.slow
def test_a_matrix_is_shown_and_drawn(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("open_clip", reason="the extra clip is not installed")
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    Path("t.yaml").write_text("astronaut: a woman\nchelsea: a cat\ncoffee: a cup\n")
    asked = ("cosines", "--data", "photos", "--texts", "t.yaml", "--weights", "none")
    assert tiny.called(*asked, "--json", "-o", "c.svg") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["texts"][1]) == (["astronaut", "chelsea", "coffee"], "a cat")
    assert [len(row) for row in found["cosines"]] == [3, 3, 3]
    assert "random weights" in Path("c.svg").read_text()


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (None, "there is no file"),
        ("astronaut: a woman\n", "t.yaml has no description of chelsea"),
        ("- a list\n", "holds ['a list']"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, texts: str, problem: str
) -> None:
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    if texts is not None:
        Path("t.yaml").write_text(texts)
    assert tiny.called("cosines", "--data", "photos", "--texts", "t.yaml") == 2
    assert problem in capsys.readouterr().err
