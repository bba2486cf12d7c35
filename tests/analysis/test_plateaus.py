"""Plateaus: an exponential's gain to come is found exactly; noise leads to "not known".

The calibration in short; the whole is `python benchmarks/calibration_convergence.py`.
"""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from benchmark_files import loaded
from hypothesis import given
from hypothesis import strategies as st

from srbench.analysis.plateaus import (
    Plateaus,
    gains,
    measured,
    plateaus_of_runs,
    plateaus_of_variants,
    settled_at,
)

T = np.arange(1, 11) / 10 * 3  # ten validations, in thirds of training


def curves(truth: np.ndarray, noise: float, seeds: int = 3, key: int = 5) -> np.ndarray:
    """(variants, seeds, points): noisy copies of each variant's curve."""
    rng = np.random.default_rng(key)
    return truth[:, None, :] + noise * rng.normal(size=(len(truth), seeds, truth.shape[-1]))


def judge(of: np.ndarray, tolerance: float = 0.1) -> Plateaus:
    return plateaus_of_variants(gains(of), tolerance)


def figures(found: Plateaus) -> np.ndarray:
    return np.stack([found.change, found.low, found.high])


@pytest.mark.parametrize(
    ("truth", "noise", "state"),
    [
        (30 - 0.2**T, 0.01, "converged"),
        (np.full(10, 3.0), 0.0, "converged"),
        (T, 0.01, "still moving"),
        (-T, 0.01, "still moving"),
        (-10 * 0.1**T - 0.3 * np.maximum(T - 1, 0), 0.01, "still moving"),  # overfitting
        (3 * T**0, 0.5, "not known"),
    ],
)
def test_a_curve_has_one_of_three_states(truth: np.ndarray, noise: float, state: str) -> None:
    several = curves(np.stack([truth] * 3), noise)
    assert judge(several).state.tolist() == [state] * 3
    runs = set(plateaus_of_runs(gains(several), 0.1).state.flat)
    assert runs == {state} or (noise == 0.5 and "converged" not in runs)


@given(st.floats(0.05, 0.98), st.floats(-5, 5).filter(lambda x: abs(x) > 0.01), st.integers(4, 60))
def test_the_gain_to_come_of_an_exponential_is_found_exactly(
    speed: float, to_come: float, points: int
) -> None:
    t = np.arange(1, points + 1) / points * 3
    curve = 7 - to_come / (1 - speed) * speed ** (t - 3)
    assert judge(curve[None, None]).change == pytest.approx(to_come, rel=1e-4)


@given(st.floats(0.01, 100), st.sampled_from([-1, 1]), st.floats(-50, 50))
def test_units_direction_and_level_do_not_matter(scale: float, sign: int, level: float) -> None:
    x = curves(np.stack([-3 * 0.3**T, -2 * 0.8**T]), 0.05)
    one, other = judge(x), judge(level + sign * scale * x, 0.1 * scale)
    assert one.state.tolist() == other.state.tolist()
    ends = sorted((sign * scale * one.low[0], sign * scale * one.high[0]))
    assert (other.low[0], other.high[0]) == pytest.approx(ends, rel=1e-6, abs=1e-9)
    assert other.change == pytest.approx(sign * scale * one.change, rel=1e-6, abs=1e-9)


def test_the_order_of_variants_and_seeds_does_not_matter() -> None:
    x = curves(np.stack([-3 * 0.3**T, -2 * 0.8**T, T]), 0.05)
    assert figures(judge(x[::-1, ::-1])) == pytest.approx(figures(judge(x))[:, ::-1])


def test_many_studies_are_judged_as_each_by_itself() -> None:
    x = np.stack([curves(np.stack([-3 * 0.3**T, 0.1 * T]), 0.1, key=k) for k in range(5)])
    for judged in (plateaus_of_variants, plateaus_of_runs):
        at_once = figures(judged(gains(x), 0.1))
        for k, study in enumerate(x):
            assert at_once[:, k] == pytest.approx(figures(judged(gains(study), 0.1)))


def test_a_missing_run_is_left_out_and_holes_are_bridged() -> None:
    x = curves(np.stack([-3 * 0.3**T, -2 * 0.8**T, T]), 0.05)
    rows = [list(x[0]), list(x[1, :2]), list(x[2])]
    found = plateaus_of_variants(measured(rows), 0.1)
    of = gains(x)
    for values in (of.late, of.early, of.last, of.noise):
        values[1, 2] = math.nan
    assert figures(found) == pytest.approx(figures(plateaus_of_variants(of, 0.1)))
    line = np.array([math.nan, 1, 2, math.nan, 4, 5, 6, math.nan])  # from 1 to 6
    assert measured([[line]]).late == pytest.approx(gains(np.arange(1.0, 7.0)).late)


def test_curves_that_are_missing_or_short_are_not_known() -> None:
    good = list(curves(T[None], 0.01)[0])
    found = plateaus_of_variants(measured([good, [np.zeros(3)], [np.empty(0)], []]), 0.1)
    assert found.state.tolist() == ["still moving", *["not known"] * 3]
    assert np.isnan(found.change[1:]).all()
    assert plateaus_of_variants(measured([]), 0.1).state.tolist() == []


def test_one_seed_is_judged_by_the_scatter_of_its_points() -> None:
    for noise, state in ((0.01, "converged"), (0.3, "not known")):
        x = curves(-(0.2**T)[None], noise, seeds=1)
        assert judge(x).state.tolist() == [state]
        assert figures(plateaus_of_runs(gains(x), 0.1))[..., 0] == pytest.approx(figures(judge(x)))


@pytest.mark.parametrize(("variants", "speed"), [(1, 0.4), (4, 0.4), (4, 0.8)])
def test_nineteen_of_twenty_intervals_hold_the_gain_to_come(variants: int, speed: float) -> None:
    truth = -1 / (1 - speed) * speed ** (T - 3)  # 1 to come
    rng = np.random.default_rng(5)
    found = judge(truth + 0.1 * rng.normal(size=(2000, variants, 5, 10)), 1.0)
    assert np.mean((found.low <= 1) & (found.high >= 1)) == pytest.approx(0.95, abs=0.015)


def test_a_variant_of_its_own_speed_has_its_own_ratio() -> None:
    slow = 0.5 / (1 - 0.9) * -(0.9 ** (T - 3))
    alone, beside = (judge(curves(np.stack(x), 0.01)) for x in ([slow], [slow, -9 * 0.2**T]))
    assert (alone.state[0], beside.state[0]) == ("still moving", "still moving")
    assert beside.change[0] == pytest.approx(0.5, rel=0.1)


def test_a_wild_variant_leaves_the_others_as_they_are() -> None:
    quiet = curves(np.stack([-(0.2**T)] * 3), 0.02)
    wild = curves(-(0.2**T)[None], 2.0, key=3)
    found = judge(np.concatenate([quiet, wild]))
    assert found.state.tolist() == ["converged"] * 3 + ["not known"]
    assert figures(found)[:, :3] == pytest.approx(figures(judge(quiet)), abs=0.02)


def test_a_plateau_needs_a_tolerance() -> None:
    with pytest.raises(ValueError, match="tolerance"):
        judge(np.zeros((1, 3, 10)), 0.0)


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    return loaded("calibration_convergence")


def test_ten_validations_of_three_seeds_meet_every_goal(calibration: ModuleType) -> None:
    rows = list(calibration.rows(300, [calibration.TEN], []))
    assert [str(row) for row in rows if row.broken()] == []
    assert sum(row.promised for row in rows) == len(calibration.GOALS) + 3


def test_a_goal_breaks_by_two_errors_and_only_where_it_is_promised(
    calibration: ModuleType,
) -> None:
    def row(share: float, promised: bool) -> object:
        shares, errors = ({"converged": x} for x in (share, 0.01))
        setting, goal = calibration.TEN, calibration.FALSELY_CONVERGED
        return calibration.Row(setting, "", shares, errors, goal, promised)

    assert not row(0.069, True).broken()
    assert row(0.071, True).broken()
    assert not row(0.071, False).broken()
    assert "not met" in str(row(0.071, False))


def test_a_ranking_settles_where_it_no_longer_changes() -> None:
    last = np.array([1.0, 2.0, 3.0, 4.0])
    mixed = np.array([4.0, 3.0, 2.0, 1.0])
    assert settled_at(np.stack([mixed, last, mixed, last * 2, last * 3, last], axis=1)) == 3
    assert settled_at(np.stack([mixed, mixed, last], axis=1)) is None


def test_a_ranking_without_an_order_has_not_settled() -> None:
    assert settled_at(np.ones((3, 4))) is None
    assert settled_at(np.array([[1.0, 2.0, 3.0]])) is None
