"""Agreement of rankings: scipy's coefficients, and intervals that hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, rankdata, spearmanr

from srbench.analysis.agreement import kendall, rank_agreement, ranks, spearman


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


@pytest.mark.parametrize("n", [4, 6, 7])
def test_the_exact_p_of_kendall_is_scipys(n: int) -> None:
    rng = np.random.default_rng(11)
    x, y = rng.permutation(n), rng.permutation(n)
    expected = kendalltau(x, y, method="exact").pvalue
    assert rank_agreement(x, y).p == pytest.approx(expected)
