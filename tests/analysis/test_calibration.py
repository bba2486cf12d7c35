"""The calibration in short: 1,000 studies a setting hold the bounds, and bounds can break.

The whole, 50,000 studies a setting, is `python benchmarks/calibration.py`.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from benchmark_files import loaded


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    return loaded("calibration")


def test_a_glance_holds_every_bound(
    calibration: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--studies", "1000", "--seeds", "3", "--contrasts", "1", "6"]
    assert calibration.main(few) == 0
    printed = capsys.readouterr().out
    for what in ("coverage", "family-wise", "power", "false equivalent", "looks", "outlier"):
        assert what in printed
    assert "a seed fails" in printed
    assert "0 bounds broken" in printed


def test_looking_five_times_at_5_percent_breaks_the_bound(
    calibration: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srbench.analysis.looks.FAMILY", 0.25)
    found = {f.what: f for f in calibration.sequences("equal", calibration.normal, 2000, 1)}
    assert found["looks: family-wise error"].value > 0.08
    assert found["looks: family-wise error"].broken(2000)
    assert found["looks: repeated intervals"].broken(2000)


def test_runs_that_are_copies_break_the_bound(calibration: ModuleType) -> None:
    def copied(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
        studies, contrasts, seeds = shape
        half = rng.standard_normal((studies, 1 + contrasts, (seeds + 1) // 2))
        return np.repeat(half, 2, axis=2)[..., :seeds]

    found = {f.what: f for f in calibration.errors("equal", copied, 2000, 3, 10)}
    assert found["family-wise error"].broken(2000)
    assert found["coverage, simultaneous"].broken(2000)


def test_a_bound_is_taken_to_the_letter_from_50_000_studies_on(calibration: ModuleType) -> None:
    figure = calibration.Figure("x", "equal", "3", 1, 0.061, 0.005, 0.05, (0.0, 0.06))
    assert figure.broken(50_000)
    assert not figure.broken(2000)
