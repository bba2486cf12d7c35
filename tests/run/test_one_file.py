"""Parts in one file: a study names them, and every later step knows what they state.

The fast tests read studies; the slow one trains two runs of seconds.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import tiny
from tiny import STUDY, lay_out, plug_in, srbench

from srbench.core import slots
from srbench.core.errors import StudyError
from srbench.core.registry import Slot
from srbench.study import conformance
from srbench.study.read import Study, read

FILE = Path(__file__).parents[1] / "one_file_parts.py"
NAMED = STUDY.replace("folder: {path: photos}", "own_photos: {path: photos}").replace(
    "train: {epochs: 3,", "train: {learner: edged, loss: rooted, epochs: 3,"
).replace("min_effect: 0.3 dB", """\
metric: rmse
metrics: [psnr_y, gain]
min_effect: 0.1
claims:
  - {id: A, says: one is best, test: rmse(plain) best of *}
  - {id: B, says: it gains, test: gain(gained) - gain(plain) > 0.1 dB}
  - {id: C, says: edges improve, test: "loss/edge(plain, epoch=3) < loss/edge(plain, epoch=1)"}
  - {id: D, says: it arrives, test: "epochs_to(plain, rmse=200) < 3"}""").replace(
    "residual: {skip: bilinear}", "gained: {attention: gain_by_channel}"
)  # fmt: skip


@pytest.fixture(scope="module")
def parts() -> Iterator[list[tuple[Slot, str]]]:
    """The parts of the file; they are unregistered at the end."""
    slots.load()
    before = {slot.name: set(slot.parts) for slot in slots.SLOTS.values()}
    exec(compile(FILE.read_text(), str(FILE), "exec"), {"__name__": "one_file_parts"})
    new = [(s, n) for s in slots.SLOTS.values() for n in s.parts if n not in before[s.name]]
    yield new
    for slot, name in new:
        for known in (slot.parts, slot.versions, slot.facts):
            known.pop(name, None)


def made(folder: Path, text: str) -> Study:
    file = folder / "study.yaml"
    file.write_text(text)
    return read(file)


def test_every_part_of_the_file_conforms(parts: list[tuple[Slot, str]]) -> None:
    assert len(parts) == 6
    for slot, name in parts:
        if slot is not slots.dataset:  # its images are the user's
            conformance.check(slot, name)


def test_a_study_knows_unit_direction_and_curves_of_the_parts(
    parts: list[tuple[Slot, str]], tmp_path: Path
) -> None:
    study = made(tmp_path, NAMED)
    assert len(study.claims) == 4
    assert study.metric_facts["gain"].unit == "dB"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("min_effect: 0.1", "min_effect: 0.1 dB", "not a size in the unit of rmse"),
        ("> 0.1 dB", "> 0.1 ms", "dB beside ms"),
        ("loss/edge(plain, epoch=3)", "loss/hedge(plain)", "did you mean 'loss/edge'"),
    ],
)
def test_what_a_part_states_is_checked(
    parts: list[tuple[Slot, str]], tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(StudyError, match=says):
        made(tmp_path, NAMED.replace(old, new))


def test_a_search_goes_the_way_a_metric_states(
    parts: list[tuple[Slot, str]], tmp_path: Path
) -> None:
    tune = "tune: {space: {attention: [none, gain_by_channel]}, objective: [rmse, psnr_y]}\n"
    search = made(tmp_path, NAMED.partition("claims:")[0] + tune).search
    assert search is not None
    assert search.directions == ("minimize", "maximize")


@pytest.mark.slow
def test_the_parts_go_from_study_to_page_to_dashboard(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, NAMED.replace("seeds: 2", "seeds: 3"))
    plug_in(folder, FILE.read_text())
    srbench(folder, "run", "tiny.yaml")
    srbench(folder, "report", "tiny")
    home = folder / "reports" / "tiny"
    before = {name: (home / name).read_bytes() for name in ("scores.csv", "claims.csv")}
    shutil.rmtree(folder / "plugin")  # its facts have travelled with the plan
    srbench(folder, "report", "tiny")
    assert {name: (home / name).read_bytes() for name in before} == before
    page = (home / "index.html").read_text()
    assert "in RMSE on own_photos" in page
    assert "RMSE on validate" in page
    assert {"rmse", "gain_db"} <= set(pd.read_csv(home / "scores.csv"))
    claims = pd.read_csv(home / "claims.csv").set_index("id")
    assert claims.loc["D", "status"] == "supported"
    assert claims["rests_on"].str.contains("3 seeds").all()  # everything was measured
    with tiny.shown(folder) as mirror:
        assert mirror.direction.name == "MINIMIZE"
        for trial in mirror.trials:
            assert trial.value == trial.user_attrs["rmse on own_photos"]
            trained = trial.params["variant"] != "bicubic"
            assert sorted(trial.intermediate_values) == [1, 2, 3] * trained
