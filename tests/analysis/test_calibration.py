"""The calibration in short: 1,000 studies a setting hold the bounds, and bounds can break.

The whole, 50,000 studies a setting, is `python benchmarks/calibration.py`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from srbench.analysis.looks import Schedule

FILE = Path(__file__).parents[2] / "benchmarks" / "calibration.py"


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    spec = importlib.util.spec_from_file_location("calibration", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_glance_holds_every_bound(
    calibration: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--studies", "1000", "--seeds", "3", "8", "--contrasts", "1", "5"]
    assert calibration.main(few) == 0
    printed = capsys.readouterr().out
    for what in ("coverage", "family-wise", "power", "false equivalent", "sequential error"):
        assert what in printed
    assert "skewed (exponential)" in printed
    assert "0 bounds broken" in printed


def test_looking_five_times_at_5_percent_breaks_the_bound(calibration: ModuleType) -> None:
    naive = Schedule((3, 5, 8, 12, 20), 1, (0.05,) * 5, (0.05,) * 5)
    found = {f.what: f for f in calibration.sequences("normal", calibration.normal, 2000, 1, naive)}
    assert found["sequential error"].value > 0.1
    assert found["sequential error"].broken(2000)
    assert found["coverage, repeated intervals"].broken(2000)


def test_intervals_that_are_too_narrow_break_the_bound(calibration: ModuleType) -> None:
    def copied(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
        return np.repeat(rng.standard_normal((*shape[:2], shape[2] // 2)), 2, axis=2)

    found = {f.what: f for f in calibration.fixed("normal", copied, 2000, 5, 8)}
    assert found["coverage, 95 % interval"].broken(2000)
    assert found["family-wise error"].broken(2000)


def test_a_bound_is_taken_to_the_letter_from_50_000_studies_on(calibration: ModuleType) -> None:
    figure = calibration.Figure("x", "normal", "3", 1, 0.061, 0.005, 0.05, (0.0, 0.06))
    assert figure.broken(50_000)
    assert not figure.broken(2000)
