"""Seeds until decided, and what else a whole command does with a study's conclusions."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import tiny

pytestmark = pytest.mark.slow

STUDY = (
    tiny.STUDY.replace("seeds: 2", "seeds: {until: decided, looks: [3, 4]}")
    .replace("min_effect: 0.3 dB", "min_effect: 0.001 dB")
    .replace(
        "  residual: {skip: bilinear}\n",
        "  residual: {skip: bilinear}\n  same: {train.clip: 1.0e+6}\n"
        "  near: {train.optimizer.lr: 2.02e-3}\n",
    )
    + """\
controls: {identity: {}}
claims:
  - {id: A1, says: the same is the same, test: psnr_y(same) ≈ psnr_y(plain)}
  - {id: A2, says: a residual costs, test: params(residual) > params(plain)}
"""
)
LOOKS = """SELECT looks.seeds, variants.name, looks.verdict FROM looks
    JOIN variants ON variants.id = looks.variant_id ORDER BY 1, 2"""
CELLS = "SELECT variant, count(*) FROM v_runs WHERE role <> 'interpolation' GROUP BY 1 ORDER BY 1"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny.lay_out(tmp_path_factory.mktemp("looks"), STUDY)
    tiny.srbench(folder, "run", "tiny.yaml")
    return folder


def test_seeds_are_added_only_where_nothing_is_decided(done: Path) -> None:
    """The baseline has sqrt(3) times as many seeds as an undecided variant."""
    cells = {"identity": 3, "near": 4, "plain": 7, "residual": 3, "same": 3}
    assert dict(tiny.rows(done, CELLS)) == cells


def test_every_look_is_stored(done: Path) -> None:
    found = tiny.rows(done, LOOKS)
    assert [row[:2] for row in found] == [
        (3, "near"), (3, "residual"), (3, "same"), (4, "near"),
    ]  # fmt: skip
    assert {row[1]: row[2] for row in found}["same"] == "equivalent"


def test_the_same_command_again_trains_nothing(done: Path) -> None:
    before = tiny.rows(done, "SELECT count(*), max(finished_at) FROM runs")
    assert "seed" not in tiny.srbench(done, "run", "tiny.yaml").partition("Does a")[0]
    assert tiny.rows(done, "SELECT count(*), max(finished_at) FROM runs") == before


def test_claims_are_told_and_checked(done: Path) -> None:
    assert "1 supported and 1 refuted" in tiny.srbench(done, "claims", "tiny")
    tiny.srbench(done, "claims", "tiny", "--check", code=1)


def test_a_claim_that_is_added_after_results_is_said_to_be(done: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(done, tmp_path / "copy")
    more = "  - {id: A3, says: a late thought, test: params(residual) = params(plain)}\n"
    (folder / "tiny.yaml").write_text(STUDY + more)
    said = tiny.srbench(folder, "run", "tiny.yaml")
    assert "Changed after results: claim A3 was added" in said


def test_published_figures_stand_beside_a_study(done: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(done, tmp_path / "copy")
    table = "source: Me, 2020\nfigures: {residual: {psnr_y: 30.5 dB}}\n"
    (folder / "table.yaml").write_text(table)
    assert "1 figure of 1 variant" in tiny.srbench(
        folder, "import", "table.yaml", "--study", "tiny"
    )
    tiny.srbench(folder, "report", "tiny")
    assert "Me, 2020" in (folder / "reports" / "tiny" / "index.html").read_text()


def test_a_claim_about_published_figures_is_decided_once_they_are_there(
    done: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(done, tmp_path / "copy")
    more = "  - {id: P, says: better than theirs, test: psnr_y(plain) > published(psnr_y(plain))}\n"
    (folder / "tiny.yaml").write_text(STUDY + more)
    tiny.srbench(folder, "run", "tiny.yaml")
    assert "srbench import FILE --study tiny" in tiny.srbench(folder, "claims", "tiny")
    (folder / "table.yaml").write_text("source: Me, 2020\nfigures: {plain: {psnr_y: 1 dB}}\n")
    tiny.srbench(folder, "import", "table.yaml", "--study", "tiny.yaml")
    assert "2 supported and 1 refuted" in tiny.srbench(folder, "claims", "tiny")


def test_figures_may_be_imported_before_the_study_is_run(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path / "new")
    (folder / "table.yaml").write_text("source: Me, 2020\nfigures: {plain: {psnr_y: 1 dB}}\n")
    said = tiny.srbench(folder, "import", "table.yaml", "--study", "tinny", code=2)
    assert "there is no database" in said
    tiny.srbench(folder, "import", "table.yaml", "--study", "tiny.yaml")
    assert tiny.rows(folder, "SELECT count(*) FROM published") == [(1,)]
    assert "holds no studies yet" in tiny.srbench(folder, "claims", "tiny", code=2)
    tiny.srbench(folder, "run", "tiny.yaml", "--seeds", "1", "--set", "train.epochs=1")
    tiny.srbench(folder, "report", "tiny")
    assert "Me, 2020" in (folder / "reports" / "tiny" / "index.html").read_text()


def test_two_variants_are_compared_and_an_unknown_one_is_named(done: Path) -> None:
    said = tiny.srbench(done, "compare", "tiny:plain", "tiny:residual")
    assert re.search(r"^ *skip +none +bilinear", said, re.MULTILINE)
    assert "no trained variant" in tiny.srbench(done, "compare", "tiny:plain", "tiny:x", code=2)


def test_a_plan_says_what_its_seeds_can_show_and_when_it_looks(done: Path) -> None:
    said = tiny.words(done, "plan", "tiny.yaml")
    assert "With 4 seeds and 3 contrasts, effects above about " in said
    basis = r"runs of tiny have a standard deviation of [0-9.]+, those of its baseline [0-9.]+\."
    assert re.search(basis, said)
    assert (
        "Looks at so many seeds (of the baseline): 3 (5), 4 (7), each with an equal share" in said
    )
