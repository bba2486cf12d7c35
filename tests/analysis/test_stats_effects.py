"""Effects agree with scipy, with simulation, and with the rule that pairs are seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from srbench.analysis.curves import band
from srbench.analysis.effects import paired, t_interval

NUMBERS = st.floats(-50, 50).map(lambda x: round(x, 3))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=8, unique=True))
def test_the_paired_interval_is_scipys(pairs: list[tuple[float, float]]) -> None:
    a = {seed: x for seed, (x, _) in enumerate(pairs)}
    b = {seed: y for seed, (_, y) in enumerate(pairs)}
    effect = paired(a, b)
    differences = np.array([x - y for x, y in pairs])
    if differences.std() < 1e-6:
        return
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert effect.low == pytest.approx(expected.low, abs=1e-9)
    assert effect.high == pytest.approx(expected.high, abs=1e-9)


def test_only_finite_scores_of_both_make_a_pair() -> None:
    effect = paired({0: 2.0, 1: 3.0, 5: 9.0, 6: math.inf}, {0: 1.0, 1: 1.0, 6: 2.0})
    assert (effect.mean, effect.count) == (1.5, 2)
    one = paired({0: 2.0}, {0: 1.0})
    assert (one.mean, one.excludes_zero) == (1.0, False)
    assert math.isnan(one.low)


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
