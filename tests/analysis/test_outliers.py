"""Runs far from the other seeds of their variant are named, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from srbench.analysis.outliers import outliers

RNG = np.random.default_rng(5)
NORMAL = {name: dict(enumerate(RNG.normal(30, 0.1, 4))) for name in "abcde"}


def with_run(variant: str, seed: int, by: float) -> dict[str, dict[int, float]]:
    rows = {name: dict(known) for name, known in NORMAL.items()}
    rows[variant][seed] += by
    return rows


def test_a_run_that_failed_is_named_with_its_distance() -> None:
    [one] = outliers(with_run("c", 2, -1.5))
    others = [score for seed, score in NORMAL["c"].items() if seed != 2]
    assert (one.variant, one.seed) == ("c", 2)
    assert one.distance == pytest.approx(NORMAL["c"][2] - 1.5 - np.mean(others))
    assert one.p < 0.001


def test_ordinary_runs_are_not_named() -> None:
    assert outliers(NORMAL) == ()
    assert outliers({"a": {0: 30.0, 1: 31.0}}) == ()
    assert outliers({}) == ()


def test_p_is_that_of_the_regression_with_a_dummy_for_the_run() -> None:
    """The externally studentised residual is the t of a dummy variable (Cook and Weisberg)."""
    rows = dict(NORMAL) | {"c": {0: 30.0, 1: 30.01, 2: 29.4, 3: 30.02}}
    runs = [(name, seed) for name, known in rows.items() for seed in known]
    y = np.array([rows[name][seed] for name, seed in runs])
    groups = np.array([[name == other for other in rows] for name, _ in runs], float)
    x = np.column_stack([groups, [run == ("c", 2) for run in runs]])
    beta, squares, *_ = np.linalg.lstsq(x, y, rcond=None)
    freedom = len(y) - x.shape[1]
    error = np.sqrt(squares[0] / freedom * np.linalg.inv(x.T @ x)[-1, -1])
    expected = 2 * stats.t.sf(abs(beta[-1] / error), freedom) * len(y)
    [one] = outliers(rows)
    assert one.p == pytest.approx(expected)


def test_two_that_hide_each_other_are_both_named() -> None:
    rows = with_run("c", 2, -1.5)
    rows["a"][1] -= 1.4
    assert {(one.variant, one.seed) for one in outliers(rows)} == {("c", 2), ("a", 1)}


def test_a_noisy_variant_is_no_collection_of_outliers() -> None:
    rows = dict(NORMAL) | {"wild": {0: 28.6, 1: 30.1, 2: 31.2, 3: 29.3}}
    assert outliers(rows) == ()


def test_a_shift_of_all_scores_changes_nothing() -> None:
    rows = with_run("c", 2, -1.5)
    moved = {name: {s: x + 1000 for s, x in known.items()} for name, known in rows.items()}
    assert outliers(moved)[0].p == pytest.approx(outliers(rows)[0].p, rel=1e-5)
