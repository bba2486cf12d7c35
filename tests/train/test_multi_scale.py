"""A study that trains at several scales, from its file to scores at each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny

pytestmark = pytest.mark.slow

STUDY = (
    tiny.STUDY.replace("seeds: 2", "seeds: 1")
    .replace("units: 1}}", "units: 1, scales: [2, 3]}}")
    .replace("patch: 16", "patch: 12")
    .replace(
        "  residual: {skip: bilinear}\n",
        "  several: {train.learner: {multi_scale: {scales: [2, 3]}}}\n",
    )
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny.lay_out(tmp_path_factory.mktemp("scales"), STUDY)
    (folder / "said.txt").write_text(
        tiny.srbench(folder, "plan", "tiny.yaml") + tiny.srbench(folder, "run", "tiny.yaml")
    )
    return folder


def test_the_plan_says_what_is_dead_and_what_a_step_is(done: Path) -> None:
    said = " ".join((done / "said.txt").read_text().split())
    assert "several: each step is of one of x2, x3, drawn at random" in said
    assert "plain: 1,332 of" in said
    assert "several: 1,332 of" not in said


def test_a_run_is_scored_at_each_of_its_scales(done: Path) -> None:
    asked = ("scores", "--run", "tiny:several", "--data", "photos")
    assert "at x2" in tiny.srbench(done, *asked)
    assert "at x3" in tiny.srbench(done, *asked, "--scale", "3")
    said = tiny.srbench(done, *asked, "--scale", "4", code=2)
    assert "--scale: the network is of x2, and x4 is not among its scales" in said


def test_a_step_of_several_scales_has_no_one_time(done: Path) -> None:
    said = tiny.srbench(done, "latency", "tiny.yaml", "--step", code=2)
    assert "several scales" in said
