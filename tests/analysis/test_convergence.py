"""Plateaus and settled rankings: a flat curve has converged, a noisy one is inconclusive."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, rankdata, spearmanr, theilslopes

from srbench.analysis.agreement import kendall, rank_agreement, ranks, spearman
from srbench.analysis.plateaus import plateau, settled_at

EPOCHS, NOISE = np.arange(90.0), np.random.default_rng(5).normal(size=90)


@pytest.mark.parametrize(
    ("curve", "state"),
    [
        (30 - np.exp(-EPOCHS / 8) + 0.002 * NOISE, "converged"),
        (np.full(40, 3.0), "converged"),
        (0.01 * EPOCHS + 0.002 * NOISE, "changing"),
        (-0.01 * EPOCHS + 0.002 * NOISE, "changing"),
        (0.5 * NOISE, "inconclusive"),
        (np.zeros(20), "too short"),
    ],
)
def test_a_curve_has_one_of_four_states(curve: np.ndarray, state: str) -> None:
    assert plateau(curve, 0.02).state == state


def test_the_change_is_that_of_another_window_whatever_points_are_missing() -> None:
    x = 0.01 * EPOCHS
    assert (plateau(x, 0.02).change, plateau(x, 0.02).points) == (pytest.approx(0.29), 30)
    x[[70, 71, 80]] = math.nan
    assert plateau(-x, 0.02).change == pytest.approx(-0.29)


def test_the_interval_is_scipys_where_nothing_is_correlated() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, 30)
    found = plateau(np.tile(x, 3), 1.0)
    if found.inflation == 1.0:
        slope, _, low, high = theilslopes(x, alpha=0.95)
        assert (found.change, found.low, found.high) == pytest.approx(
            (slope * 29, low * 29, high * 29), rel=0.1
        )
    alternating = np.array([1.0, -1.0] * 20) + 0.001 * rng.normal(size=40)
    found = plateau(np.tile(alternating, 3), 1.0)
    slope, _, low, high = theilslopes(alternating, alpha=0.95)
    assert found.inflation == 1.0
    assert found.change == pytest.approx(slope * 39)
    assert (found.low, found.high) == pytest.approx((low * 39, high * 39), rel=0.05)


@pytest.mark.parametrize(("correlation", "least"), [(0.0, 0.93), (0.6, 0.89)])
def test_a_flat_curve_is_rarely_said_to_move(correlation: float, least: float) -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        noise = rng.normal(size=60)
        for k in range(1, 60):
            noise[k] += correlation * noise[k - 1]
        found = plateau(noise, 1e-9)
        held += found.low <= 0 <= found.high
    assert held / 400 >= least


def test_a_plateau_needs_a_tolerance() -> None:
    with pytest.raises(ValueError, match="tolerance"):
        plateau(np.zeros(50), 0.0)


def test_a_ranking_settles_where_it_no_longer_changes() -> None:
    last = np.array([1.0, 2.0, 3.0, 4.0])
    mixed = np.array([4.0, 3.0, 2.0, 1.0])
    assert settled_at(np.stack([mixed, last, mixed, last * 2, last * 3, last], axis=1)) == 3
    assert settled_at(np.stack([mixed, mixed, last], axis=1)) is None


def test_a_ranking_without_an_order_has_not_settled() -> None:
    assert settled_at(np.ones((3, 4))) is None
    assert settled_at(np.array([[1.0, 2.0, 3.0]])) is None


def test_rank_agreement_looks_only_at_the_order() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=9), rng.normal(size=9)
    assert rank_agreement(x, y) == rank_agreement(np.exp(x), 7 * y - 3)
    assert rank_agreement(x, x).coefficient == 1.0
    assert rank_agreement(x, -x).coefficient == -1.0


def test_agreement_of_few_or_equal_values_is_unknown() -> None:
    assert math.isnan(rank_agreement([1.0], [2.0]).coefficient)
    assert math.isnan(rank_agreement([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]).coefficient)
    four = rank_agreement([1, 2, 3, 4], [1, 2, 3, 4])
    assert (four.coefficient, four.p) == (1.0, pytest.approx(2 / 24))
    assert math.isnan(four.low)


def test_pairs_with_a_hole_are_left_out() -> None:
    assert rank_agreement([1, 2, math.nan, 4], [1, 2, 3, 4]).items == 3
    with pytest.raises(ValueError, match="one length"):
        rank_agreement([1, 2], [1, 2, 3])


@pytest.mark.parametrize("items", [6, 12])
def test_nine_of_ten_rank_intervals_or_more_hold_the_truth(items: int) -> None:
    rng = np.random.default_rng(5)
    r, held = 0.6, 0
    truth = 2 / np.pi * np.arcsin(r)
    for _ in range(500):
        x, noise = rng.normal(size=(2, items))
        found = rank_agreement(x, r * x + np.sqrt(1 - r * r) * noise)
        held += found.low <= truth <= found.high
    assert held / 500 >= 0.90


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12))
def test_rank_correlation_and_ranks_are_scipys(pairs: list[tuple[int, int]]) -> None:
    x, y = map(np.array, zip(*pairs, strict=True))
    assert ranks(x).tolist() == rankdata(x).tolist()
    if np.ptp(x) and np.ptp(y):
        assert kendall(x, y) == pytest.approx(kendalltau(x, y).statistic)
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
