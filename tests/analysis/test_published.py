"""Published figures: read exactly, or refused with their place."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest

from srbench.analysis.claims import evaluate
from srbench.analysis.claims_evidence import read as read_value
from srbench.analysis.claims_readings import Exact
from srbench.analysis.claims_tree import Test, quantities
from srbench.analysis.evidence import evidence_of
from srbench.analysis.published import FORMAT, Figure, read
from srbench.analysis.results import Results
from srbench.core.errors import UserError
from srbench.study.read import read as read_study

ROOT = Path(__file__).parents[2]


def written(folder: Path, text: str, name: str = "table.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_table_is_read_with_units(tmp_path: Path) -> None:
    found = read(written(tmp_path, FORMAT))
    assert found.source.startswith("Ahn et al.")
    assert found.figures[:2] == (
        Figure("carn", "params", "", None, 1_592_000.0, ""),
        Figure("carn", "psnr_y", "Set5", None, 37.76, "dB"),
    )


def test_curves_have_an_epoch_a_row_and_may_end_early(tmp_path: Path) -> None:
    file = written(tmp_path, "loss_a,loss_b_1\n0.5,0.25\n,0.125\n", "curves.csv")
    assert read(file, source="me").figures == (
        Figure("a", "loss", "", 1, 0.5, ""),
        Figure("b_1", "loss", "", 1, 0.25, ""),
        Figure("b_1", "loss", "", 2, 0.125, ""),
    )


def test_curves_are_read_in_utf_16(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes("loss_ä,loss_b\r\n1,2\r\n".encode("utf-16"))
    figures = read(tmp_path / "c.csv", source="s").figures
    assert [(figure.variant, figure.value) for figure in figures] == [("ä", 1.0), ("b", 2.0)]


def test_the_curves_of_2019_are_read_whole(data_folder: Path) -> None:
    figures = read(data_folder / "carn_2019_losses.csv", source="yu45020, 2019").figures
    lengths: dict[str, int] = {}
    for figure in figures:
        lengths[figure.variant] = lengths.get(figure.variant, 0) + 1
    assert (len(lengths), set(lengths.values())) == (32, {200, 300, 500})


@pytest.mark.parametrize("name", ["basic_residual", "carn_2019", "superresnet", "srresnet_pan"])
def test_every_published_figure_that_a_study_claims_about_is_in_its_files(name: str) -> None:
    """What rests on published figures alone is decided by the files that the study names."""
    read_ = read_study(ROOT / "ablations" / f"{name}.yaml")
    rows = [
        asdict(figure) | {"source": found.source}
        for found in read_.published
        for figure in found.figures
    ]
    assert rows
    results = Results.from_folder(ROOT / "db" / "reference" / "quickstart")
    results = replace(results, published=pd.DataFrame(rows))
    evidence = evidence_of(results, ())
    asked = [q for claim in read_.claims for q in quantities(claim.test) if q.published]
    for quantity in asked:
        if quantity.variant != "*":
            value = read_value(quantity, evidence)
            assert isinstance(value, Exact)
    alone = [claim for claim in read_.claims if _rests_on_others_alone(claim.test)]
    decided = {claim.id: evaluate(claim.test, evidence).status for claim in alone}
    assert decided == {name: DECIDED[name] for name in decided}


def _rests_on_others_alone(test: Test) -> bool:
    found = list(quantities(test))
    return bool(found) and all(quantity.published for quantity in found)


DECIDED = {
    "B7 source": "refuted",  # 0.0372 against bicubic's 0.0360
    "A1 source": "supported",
    "A9 source": "supported",
    "C3 source": "supported",
}


MISTAKES = [
    ("table.yaml", "figures: {a: {params: 3}}", "1:1 source: say who published it"),
    ("table.yaml", "source: x\nfigures: {a: {params: many}}", "2:15 figures.a.params: 'many' is"),
    ("table.yaml", "source: x\nfigures: {a: {psnr_y: 3 db}}", "2:15 figures.a.psnr_y: unit 'db'"),
    ("table.yaml", "source: x\nfigures: {a: 3}", "2:11 figures.a: write {quantity: number}, found"),
    ("table.yaml", "source: x\nfigure: {}", "2:1 figure: key 'figure' is unknown; did you mean"),
    ("c.csv", "loss_a,psnr_b\n1,2\n", "1: all headings begin with one quantity"),
    ("c.csv", "loss_a,loss_a\n1,2\n", "1: heading loss_a names no variant of its own"),
    ("c.csv", "loss_a,loss_b\n1,2\n3,x\n", "3: b: 'x' is not a number"),
    ("c.csv", "loss_a,loss_b\n1,2,3\n", "2: 3 cells under 2 headings"),
    ("c.csv", "loss_a;loss_b\n0,5;0,25\n", "1: columns are separated by commas"),
    ("c.csv", "loss_a\tloss_b\n0.5\t0.25\n", "1: columns are separated by commas"),
    ("c.csv", "loss_a\n", " a heading and at least one epoch are expected"),
    ("c.csv", "\xff\x00", " a heading and"),
    ("c.txt", "", " a table ends in .yaml"),
]


@pytest.mark.parametrize(("name", "text", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    file = written(tmp_path, text, name)
    with pytest.raises(UserError) as caught:
        read(file, source="" if name == "table.yaml" else "me")
    assert str(caught.value).startswith(f"{file}:{message}")
