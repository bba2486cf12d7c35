"""`published:` in a study file: figures of others are read with it and stand beside ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tiny

from srbench.analysis.published import Published
from srbench.core import slots
from srbench.core.errors import UserError
from srbench.store import open_store
from srbench.study.read import read

pytestmark = pytest.mark.slow

TABLE = "source: Ahn, 2018\nfigures: {plain: {params: 1592 k, psnr_y: {photos: 37.76 dB}}}\n"
CURVES = "loss_plain,loss_residual\n0.5,0.4\n0.25,0.2\n"


def published(tmp_path: Path, written: str, name: str = "asked.yaml") -> tuple[Published, ...]:
    slots.load()
    (tmp_path / "figures").mkdir(exist_ok=True)
    (tmp_path / "figures" / "table.yaml").write_text(TABLE)
    (tmp_path / "figures" / "curves.csv").write_text(CURVES)
    (tmp_path / name).write_text(f"base: carn\nvariants: {{plain: {{}}}}\npublished: {written}\n")
    return read(tmp_path / name).published


def test_paths_count_from_the_study_file(tmp_path: Path) -> None:
    [found] = published(tmp_path, "figures/table.yaml")
    assert found.source == "Ahn, 2018"
    assert [(f.quantity, f.value) for f in found.figures] == [
        ("params", 1.592e6),
        ("psnr_y", 37.76),
    ]
    assert found.files == (tmp_path / "figures" / "table.yaml",)


def test_curves_without_a_source_are_of_the_file_before(tmp_path: Path) -> None:
    [found] = published(tmp_path, "[figures/table.yaml, figures/curves.csv]")
    assert [(f.variant, f.epoch) for f in found.figures[2:]] == [
        ("plain", 1), ("residual", 1), ("plain", 2), ("residual", 2),
    ]  # fmt: skip
    assert len(found.files) == 2
    named = "[figures/table.yaml, {file: figures/curves.csv, source: Ahn's curves}]"
    assert [one.source for one in published(tmp_path, named)] == ["Ahn, 2018", "Ahn's curves"]


def test_a_view_takes_over_what_its_study_names(tmp_path: Path) -> None:
    published(tmp_path, "figures/table.yaml")
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "view.yaml").write_text("from: ../asked.yaml\n")
    assert read(tmp_path / "views" / "view.yaml").published[0].source == "Ahn, 2018"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[figures/table.yaml, 3]", r"asked\.yaml:3:33 published\.1: write \["),
        ("[figures/absent.yaml]", r"asked\.yaml:3:13 published\.0: .*absent\.yaml: cannot be read"),
        ("{source: me}", r"asked\.yaml:3:1 published: write \["),
        ("{file: a.csv, sorce: me}", r"asked\.yaml:3:26 published\.sorce: .*source"),
        ("{file: a.csv, source: 3}", r"published\.source: 3 is not a text"),
        ("figures/curves.csv", r"figures/curves\.csv: say who published it"),
        ("missing.yaml", r"missing\.yaml.*"),
        ("figures/../asked.txt", "a table ends in .yaml"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        published(tmp_path, written)


def test_they_are_stored_with_the_first_run_and_again_when_their_file_changes(
    tmp_path: Path,
) -> None:
    folder = tiny.lay_out(tmp_path)
    file, table = folder / "tiny.yaml", folder / "table.yaml"
    table.write_text(TABLE)
    file.write_text(f"{file.read_text()}\npublished: table.yaml\n")

    def values() -> list[float]:
        tiny.srbench(folder, "run", "tiny.yaml")
        found = open_store(folder / "db" / "srbench.sqlite").reading.results("tiny").published
        return sorted(found["value"])

    assert values() == [37.76, 1.592e6]
    table.write_text(TABLE.replace("37.76", "37.78"))
    os.utime(table, (1, 1))
    assert values() == [37.78, 1.592e6]
