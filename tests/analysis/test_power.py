"""Power rises with effect and seeds; noise floors and numbers of seeds cover the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.analysis.power import (
    MoreSeeds,
    baseline_seeds,
    detectable,
    equivalence_power,
    more_seeds,
    noise_floor,
    power,
)
from srbench.analysis.verdicts import Rules, decide


@given(st.integers(3, 40), st.sampled_from([1, 5, 31]), st.floats(0.01, 3))
def test_more_seeds_and_larger_effects_are_easier_to_find(n: int, m: int, effect: float) -> None:
    noise = 0.03  # of 4,000 simulated studies
    assert power(effect, n + 1, m) >= power(effect, n, m) - noise
    assert power(effect + 0.1, n, m) >= power(effect, n, m) - noise / 10


@given(st.integers(3, 30), st.sampled_from([1, 5, 31]))
def test_the_detectable_effect_has_the_power_asked_for(n: int, m: int) -> None:
    assert power(detectable(n, m), n, m) == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize(("n", "m"), [(3, 1), (3, 4), (5, 8)])
def test_power_is_what_the_verdicts_find(n: int, m: int) -> None:
    rng = np.random.default_rng(4)
    base = baseline_seeds(n, m)
    x = rng.standard_normal((4000, 1 + m, base))
    x[:, 1:, n:] = np.nan
    x[:, 1] += 3.0
    found = (decide(x, Rules(1e-6)).p_holm[:, 0] <= 0.05).mean()
    assert power(3.0, n, m) == pytest.approx(found, abs=0.03)
    x[:, 1] -= 3.0
    x[:, 2:] += 100.0
    found = (decide(x, Rules(4.0)).code[:, 0] == 2).mean()
    assert equivalence_power(0.0, 4.0, n, m) == pytest.approx(found, abs=0.03)


def test_fewer_than_three_seeds_find_nothing() -> None:
    assert (power(9.0, 2), equivalence_power(0.0, 9.0, 2)) == (0.0, 0.0)
    assert detectable(2) == math.inf


@pytest.mark.parametrize(
    ("seeds", "variants", "expected"), [(3, 1, 3), (3, 3, 5), (5, 31, 28), (3, 4, 6), (2, 9, 2)]
)
def test_the_baseline_has_root_m_times_the_seeds(seeds: int, variants: int, expected: int) -> None:
    assert baseline_seeds(seeds, variants) == expected


def test_more_seeds_for_the_effect_at_hand_and_for_any() -> None:
    found = more_seeds(1.7, 0.8, (3, 5), 3)
    assert found.likely is not None
    assert power(1.7, 3 + found.likely, 3) >= 0.8
    assert power(1.7, 2 + found.likely, 3) < 0.8
    assert found.certain is None or found.certain > found.likely
    assert more_seeds(0.0, 0.001, (5, 5)) == MoreSeeds(None, None)
    noisy = more_seeds(1.7, 0.8, (3, 5), 3, ratio=3.0)
    assert noisy.likely is None or noisy.likely > found.likely


def test_more_seeds_count_equivalence_where_there_is_no_effect() -> None:
    found = more_seeds(0.0, 2.5, (3, 5), 3)
    assert found.likely is not None
    assert equivalence_power(0.0, 2.5, 3 + found.likely, 3) >= 0.8


def test_95_of_100_noise_floors_hold_the_truth() -> None:
    rows = np.random.default_rng(8).normal(0.0, 0.03, (2000, 5))
    found = [noise_floor(row) for row in rows]
    held = np.mean([floor.low <= 0.03 <= floor.high for floor in found])
    assert held == pytest.approx(0.95, abs=0.015)
