"""Effects and bands agree with scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from srbench.analysis.curves import band
from srbench.analysis.effects import difference, t_interval

NUMBERS = st.floats(-50, 50).map(lambda x: round(x, 3))


@given(st.lists(NUMBERS, min_size=2, max_size=8), st.lists(NUMBERS, min_size=2, max_size=8))
def test_the_interval_of_a_difference_is_scipys(x: list[float], y: list[float]) -> None:
    a, b = dict(enumerate(x)), {seed + 100: score for seed, score in enumerate(y)}
    if min(np.std(x), np.std(y)) < 1e-3:
        return
    expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    effect = difference(a, b)
    assert effect.count == len(x)
    assert (effect.low, effect.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_only_finite_scores_count() -> None:
    effect = difference({0: 2.0, 1: 3.0, 6: math.inf}, {0: 1.0, 1: 1.0, 5: 2.5})
    assert (effect.mean, effect.count) == (1.0, 2)
    one = difference({0: 2.0}, {0: 1.0})
    assert (one.mean, one.excludes_zero) == (1.0, False)
    assert math.isnan(one.low)


def test_equal_scores_differ_by_zero_though_one_side_has_more() -> None:
    effect = difference({0: 2.0, 1: 3.0}, {0: 2.0, 1: 3.0, 2: 9.0})
    assert (effect.mean, effect.low, effect.high) == (0.0, 0.0, 0.0)


def test_bands_are_t_from_three_seeds_range_for_two_and_none_for_one() -> None:
    assert band([[1.0, 2.0]]).kind == "none"
    two = band([[1.0, 2.0], [3.0, 2.0]])
    assert (two.kind, two.low.tolist(), two.high.tolist()) == ("range", [1.0, 2.0], [3.0, 2.0])
    three = band([[1.0], [2.0], [4.0]])
    expected = t_interval([1.0, 2.0, 4.0])
    assert three.low[0] == pytest.approx(expected.low)


def test_a_band_leaves_out_points_a_seed_does_not_have() -> None:
    found = band([[1.0, 2.0], [3.0, math.nan], [2.0, 4.0]])
    assert found.mean.tolist() == [2.0, 3.0]
    assert np.isfinite(found.high).all()
