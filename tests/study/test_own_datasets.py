"""Datasets of a user's own: named in the study, their folders found from the study file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tiny

from srbench.core import slots
from srbench.core.errors import StudyError
from srbench.study.numerics import Numerics
from srbench.study.plan import Plan, make_plan
from srbench.study.read import Study, read

NAMED = tiny.STUDY.replace("{folder: {path: photos}}", "mine").replace(
    "data:", "datasets: {mine: {folder: {path: photos}}}\nmetric: psnr_y on mine\ndata:"
)
CLAIM = "claims: [{id: A, test: 'psnr_y(plain, mine) > 10 dB'}]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photos and a study, below the one that commands start in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    return tiny.lay_out(tmp_path / "below")


def planned(text: str, file: Path) -> Plan:
    file.write_text(text)
    return make_plan(read(file), Numerics("cpu", 1))


def fingerprints(plan: Plan) -> list[str]:
    return [one.fingerprint for one in plan.variants]


def test_a_name_and_a_path_give_the_same_runs_from_anywhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = planned(NAMED + CLAIM, Path("below/study.yaml"))
    assert named.study.dataset == "mine"
    assert {images.name for _, images in named.datasets} == {"mine"}
    below = planned(tiny.STUDY, Path("below/study.yaml"))
    assert below.study.dataset == "folder: {path: photos}"
    assert below.study.base.data.to_json()["data"]["train"]["folder"]["path"] == "below/photos"
    monkeypatch.chdir(folder)
    inside = planned(tiny.STUDY, Path("study.yaml"))
    assert inside.study.base.data["train"]["path"] == "photos"
    assert fingerprints(named) == fingerprints(below) == fingerprints(inside)
    assert below.digest == inside.digest


def test_a_folder_that_only_the_command_sees_counts_from_there(folder: Path) -> None:
    (folder / "photos").rename("here")
    study = planned(tiny.STUDY.replace("path: photos", "path: here"), folder / "study.yaml").study
    assert study.base.data["train"]["path"] == "here"


def test_an_option_counts_from_where_the_command_starts(folder: Path) -> None:
    found = read(folder / "tiny.yaml", set_=["data.train={folder: {path: photos}}"])
    assert found.base.data["train"]["path"] == "photos"


def test_a_view_finds_the_folders_of_the_study_that_names_them(folder: Path) -> None:
    (folder / "named.yaml").write_text(NAMED)
    view = folder.parent / "view.yaml"
    view.write_text("from: below/named.yaml\nvariants: {other: {data.train: both}}\n"
                    "datasets: {both: {mixture: {of: [photos, photos]}}}\n")  # fmt: skip
    found = read(view)
    assert Path(found.base.data["train"]["path"]) == folder / "photos"
    assert "both" in [str(v.tree.data["train"]) for v in found.variants]


def test_names_belong_to_one_study(folder: Path) -> None:
    (folder / "named.yaml").write_text(NAMED)
    read(folder / "named.yaml")
    read(folder / "tiny.yaml")
    with pytest.raises(StudyError, match="'mine' is unknown"):
        slots.dataset.parse("mine")


@pytest.mark.parametrize(
    ("datasets", "says"),
    [
        ("{photos: {folder: {path: x}}}", "datasets.photos: photos is a dataset of srbench"),
        ("{a/b: photos}", "a name has 1 to 80 characters"),
        ("{a: b, b: photos}", "datasets.a: dataset 'b' is unknown"),
        ("[photos]", "settings are written as {name: value}"),
    ],
)
def test_a_mistake_in_a_name_is_named_with_its_place(
    datasets: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text(f"datasets: {datasets}\n")
    with pytest.raises(StudyError) as error:
        read(tmp_path / "bad.yaml")
    assert says in str(error.value)


@pytest.mark.parametrize("name", ["photos", "my photos, 2", "it's: {mine}"])
@pytest.mark.parametrize("place", ["data: {train: %s}", "data:\n  train: %s", "data: {eval: [%s]}"])
def test_what_an_error_suggests_can_be_pasted(place: str, name: str, folder: Path) -> None:
    if not (folder / name).exists():
        (folder / "photos").rename(folder / name)
    file, quoted = folder / "study.yaml", "'below/" + name.replace("'", "''") + "'"

    def study(written: str) -> Study:
        file.write_text(place % written + "\n")
        return read(file)

    with pytest.raises(StudyError) as error:
        study(quoted)
    assert (suggested := re.search(r"write (\{folder.*\})", str(error.value)))
    assert study(suggested[1]).base.data["eval"]
