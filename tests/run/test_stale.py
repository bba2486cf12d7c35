"""Runs of a former source: kept and marked, told of, and trained again when asked to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny

pytestmark = pytest.mark.slow

PART = '''\
"""A loss that a test changes."""

from srbench.core.slots import loss


@loss.register("mine")
def mine():
    """L1 times a number. Ours."""
    return lambda x, y: {factor} * (x - y).abs().mean()
'''
STUDY = tiny.STUDY.replace("epochs: 3,", "epochs: 1,").replace(
    "  residual: {skip: bilinear}\n", "  mine: {train.loss: mine}\n"
)
RUNS = "select id, state, fingerprint from runs order by id"
DONE = "select count(*) from runs where state = 'done'"


def write(folder: Path, factor: float, more: str = "") -> None:
    about = folder / "plugin" / "mine_parts-1.0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (folder / "plugin" / "mine_parts.py").write_text(PART.format(factor=factor) + more)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-parts\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[srbench.parts]\nmine = mine_parts\n")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study, of which one variant's loss has changed since."""
    folder = tiny.lay_out(tmp_path_factory.mktemp("stale"), STUDY)
    write(folder, 1.0)
    tiny.srbench(folder, "run", "tiny.yaml")
    write(folder, 2.0)
    return folder


def test_a_comment_makes_nothing_stale(changed: Path) -> None:
    write(changed, 1.0, "# a remark\n")
    assert "changed since" not in tiny.words(changed, "plan", "tiny.yaml")
    write(changed, 2.0)


def test_stale_runs_stand_and_are_told(changed: Path) -> None:
    plan = json.loads(tiny.srbench(changed, "plan", "tiny.yaml", "--json"))
    stale = {v["variant"]: v["stale"] for v in plan["variants"] if v["steps"]}
    assert stale == {"plain": False, "mine": True}
    before = tiny.rows(changed, RUNS)
    told = tiny.words(changed, "run", "tiny.yaml")
    assert "2 finished runs used source code that has changed since (mine): they stand" in told
    assert "--rerun stale" in told
    assert tiny.rows(changed, RUNS) == before
    assert "2 runs used source code that has since changed" in tiny.words(changed, "report", "tiny")


def test_more_seeds_are_not_mixed_with_stale_ones(changed: Path) -> None:
    told = tiny.words(changed, "plan", "tiny.yaml", "--seeds", "3")
    assert "(mine): they no longer count, and are trained again" in told


def test_asked_for_they_are_trained_again_and_then_stand(changed: Path) -> None:
    before = tiny.rows(changed, DONE)[0][0]
    tiny.srbench(changed, "run", "tiny.yaml", "--rerun", "stale")
    assert tiny.rows(changed, DONE)[0][0] == before + 2
    told = tiny.words(changed, "run", "tiny.yaml") + tiny.words(changed, "report", "tiny")
    assert "changed since" not in told
    assert "since changed" not in told
    assert tiny.rows(changed, DONE)[0][0] == before + 2
