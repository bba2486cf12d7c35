"""The short way to a finished study: it holds while nothing has changed."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from srbench.core.table import Column, Mark, Table
from srbench.report.summary import Line, Summary
from srbench.run import shortcut
from srbench.run.request import Request
from srbench.study import identity


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    return tmp_path


def photos(folder: Path) -> list[Path]:
    return sorted((folder / "photos").glob("*.png"))


def test_the_same_question_has_the_same_key(folder: Path) -> None:
    study = Path("tiny.yaml")
    assert shortcut.key(study, ["cpu", "3"]) == shortcut.key(study.absolute(), ["cpu", "3"])


def change_study(folder: Path) -> None:
    (folder / "tiny.yaml").write_text(tiny.STUDY + "# more\n")


def change_folder(folder: Path) -> None:
    (folder / "inner").mkdir()
    os.chdir(folder / "inner")


def change_environment(folder: Path) -> None:
    os.environ["SRBENCH_DATA"] = str(folder)


@pytest.mark.parametrize("change", [change_study, change_folder, change_environment])
def test_what_planning_depends_on_changes_the_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    monkeypatch.delenv("SRBENCH_DATA", raising=False)
    monkeypatch.setenv("SRBENCH_DATA", "")
    study = folder / "tiny.yaml"
    before = shortcut.key(study, ["cpu"])
    change(folder)
    assert shortcut.key(study, ["cpu"]) != before


@pytest.mark.parametrize("options", [[], ["cpu", "4"], ["cpu", "3", "res*"], ["cuda", "3"]])
def test_other_options_have_another_key(folder: Path, options: list[str]) -> None:
    study = folder / "tiny.yaml"
    assert shortcut.key(study, options) != shortcut.key(study, ["cpu", "3"])


def test_untouched_images_hold(folder: Path) -> None:
    assert not shortcut.holds(folder, "k")
    shortcut.remember(folder, "k", photos(folder), [folder / "photos"])
    assert shortcut.holds(folder, "k")
    assert not shortcut.holds(folder, "another")


def overwrite(folder: Path) -> None:
    tiny.save_crop("coffee", folder / "photos" / "astronaut.png")


def add(folder: Path) -> None:
    tiny.save_crop("coffee", folder / "photos" / "cup.png")


def remove(folder: Path) -> None:
    (folder / "photos" / "astronaut.png").unlink()


def damage(folder: Path) -> None:
    [note] = (folder / "runs" / "plans").glob("*.json")
    note.write_text("[[1]]")


@pytest.mark.parametrize("change", [overwrite, add, remove, damage])
def test_a_changed_image_or_note_does_not_hold(
    folder: Path, change: Callable[[Path], None]
) -> None:
    shortcut.remember(folder, "k", photos(folder), [folder / "photos"])
    change(folder)
    assert not shortcut.holds(folder, "k")


@pytest.mark.parametrize("before", [0, 1], ids=["empty", "with an image"])
def test_an_image_added_in_a_subfolder_does_not_hold(folder: Path, before: int) -> None:
    inner = folder / "photos" / "inner"
    inner.mkdir()
    for n in range(before):
        tiny.save_crop("coffee", inner / f"{n}.png")
    images = [*photos(folder), *inner.iterdir()]
    shortcut.remember(folder, "k", images, [folder / "photos"])
    tiny.save_crop("coffee", inner / "new.png")
    assert not shortcut.holds(folder, "k")


def test_the_code_has_a_digest_that_a_plug_in_changes(tmp_path: Path) -> None:
    tiny.plug_in(tmp_path)
    command = "from srbench.study.identity import code_digest; print(code_digest())"

    def digest() -> str:
        return tiny.ended(tiny.started(tmp_path, sys.executable, "-c", command), 0).strip()

    before = digest()
    assert before == digest() != identity.code_digest()
    part = tmp_path / "plugin" / "tiny_parts.py"
    part.write_text(part.read_text() + "# changed\n")
    assert digest() != before


def query(statement: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "db.sqlite")) as connection, connection:
            connection.execute(statement)

    return change


@pytest.mark.parametrize(
    ("change", "same"),
    [(query("SELECT * FROM t"), True), (query("INSERT INTO t VALUES (2)"), False),
     (query("UPDATE t SET n = 3"), False), (overwrite, False)],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["truncate", "wal"])
def test_a_summary_is_shown_again_while_database_and_images_stand(
    folder: Path, mode: str, change: Callable[[Path], None], same: bool
) -> None:
    table = Table("t", "", (Column("n", "n"),), ((Mark("none"),), (1.5,)))
    shown = Summary((Line("answer", "bold"), table))
    request = Request(folder / "tiny.yaml", str(folder / "db.sqlite"))
    key = shortcut.key(request.study, request.options())
    for statement in (f"PRAGMA journal_mode = {mode}", "CREATE TABLE t (n)"):
        query(statement)(folder)
    query("INSERT INTO t VALUES (1)")(folder)
    assert shortcut.printed(request) is None
    shortcut.remember(folder, key, photos(folder), [folder / "photos"])
    shortcut.remember_printed(request, key, shown)
    assert shortcut.printed(request) == shown
    assert shortcut.printed(replace(request, fresh=True)) is None
    assert shortcut.printed(replace(request, seeds=1)) is None
    change(folder)
    assert shortcut.printed(request) == (shown if same else None)
