"""How long it takes is told for every study of this project, before anything is stored."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.run.estimate import estimate
from srbench.run.session import Request, forecast, read_study
from srbench.study.numerics import Numerics
from srbench.study.plan import make_plan
from srbench.study.read import read

FILES = sorted((Path(__file__).parents[2] / "ablations").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_step_of_the_baseline_is_tried(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slots.load()
    monkeypatch.delenv("SRBENCH_DB", raising=False)
    monkeypatch.chdir(file.parents[1])
    baseline = read_study(Request(file)).baseline
    try:
        found = forecast(Request(file, device="cpu", only=(baseline,)))
    except UserError as error:
        if "SRBENCH_DATA" not in str(error):
            raise
        pytest.skip(str(error))
    assert found.estimate is not None
    assert all(math.isfinite(x) and x > 0 for x in found.estimate.run_s.values())


def test_scoring_takes_time_for_each_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    plan = make_plan(read(Path("tiny.yaml")), Numerics("cpu", 1))
    larger = replace(
        plan,
        datasets=tuple(
            (role, replace(images, images=images.images * 100) if role == "eval" else images)
            for role, images in plan.datasets
        ),
    )
    few, many = (estimate(one, None, "a CPU") for one in (plan, larger))
    assert few is not None
    assert many is not None
    assert many.score_s["plain"] > 10 * few.score_s["plain"] > 0
    assert many.score_s["bicubic"] > 0 == many.train_s["bicubic"]
    assert many.run_s["plain"] == many.train_s["plain"] + many.score_s["plain"]
