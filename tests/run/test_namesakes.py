"""A study never takes the place of the study of another file that has the same name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tiny

pytestmark = pytest.mark.slow

EDITED = tiny.STUDY.replace("channels: 4", "channels: 6")
DB = "../rows.sqlite"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `first` whose study is in the database beside it, `rows.sqlite`."""
    home = tmp_path_factory.mktemp("namesakes")
    first = tiny.lay_out(home / "first")
    tiny.srbench(first, "run", "tiny.yaml", "--db", DB, "--seeds", "1", "--set", "train.epochs=1")
    return home


@pytest.fixture
def home(planned: Path, tmp_path: Path) -> Path:
    """Copies of the folder and its database, to change."""
    return shutil.copytree(planned, tmp_path / "home")


def second(home: Path, text: str, *, darker: bool = False) -> Path:
    """Another folder with a study of the same name, and its own copy of the images."""
    folder = tiny.lay_out(home / "second", text)
    if darker:
        shutil.copy(folder / "photos" / "coffee.png", folder / "photos" / "chelsea.png")
    return folder


def planning(folder: Path, verb: str = "plan", code: int = 0) -> str:
    return tiny.srbench(folder, verb, "tiny.yaml", "--db", DB, code=code)


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_another_folders_study_of_the_same_name_is_refused(home: Path, verb: str) -> None:
    message = planning(second(home, EDITED), verb, code=2)
    assert f"a study of this name already, from {home / 'first' / 'tiny.yaml'}" in message
    assert "--db" in message


def test_the_same_text_about_other_images_is_another_study(home: Path) -> None:
    assert "of this name already" in planning(second(home, tiny.STUDY, darker=True), code=2)


@pytest.mark.parametrize("change", ["edited", "moved", "copied", "linked", "all moved"])
def test_a_study_that_is_edited_moved_or_copied_is_the_same(home: Path, change: str) -> None:
    folder = home / "first"
    if change == "moved":
        folder = folder.rename(home / "renamed")
    elif change == "copied":
        folder = second(home, tiny.STUDY)
    elif change == "linked":
        (home / "link").symlink_to("first")
        folder = home / "link"
    elif change == "all moved":
        folder = home.rename(home.parent / "elsewhere") / "first"
    if change != "copied":
        (folder / "tiny.yaml").write_text(EDITED)
    planning(folder)


def test_images_that_changed_since_the_last_run_are_named_with_what_follows(home: Path) -> None:
    folder = home / "first"
    assert "since the last run" not in planning(folder)
    shutil.copy(folder / "photos" / "coffee.png", folder / "photos" / "more.png")
    message = " ".join(planning(folder).split())
    changed = "folder: {path: photos} has changed since the last run (3 images then, 4 now):"
    assert f"train {changed} its variants are trained anew" in message
    assert f"eval {changed} scores are taken anew" in message
    other = tiny.srbench(folder, "plan", "tiny.yaml", "--db", DB, "--set", "scale=4")
    assert "since the last run" not in other
