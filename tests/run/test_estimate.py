"""How long it takes is told for every study of this project, before anything is stored."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.run.session import Request, forecast, read_study

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
