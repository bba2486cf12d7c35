"""Power rises with effect and seeds; noise floors and ranges of seeds cover the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srbench.analysis.power import (
    MoreSeeds,
    detectable,
    equivalence_power,
    more_seeds,
    noise_floor,
    power,
    seeds_to_decide,
)
from srbench.analysis.significance import half_width, sample


@given(st.integers(3, 40), st.sampled_from([1, 5, 31]), st.floats(0.01, 3))
def test_more_seeds_and_larger_effects_are_easier_to_see(n: int, m: int, effect: float) -> None:
    assert power(effect, 1.0, n + 1, m) >= power(effect, 1.0, n, m) - 1e-9
    assert power(effect + 0.1, 1.0, n, m) >= power(effect, 1.0, n, m) - 1e-9


@given(st.integers(3, 30), st.sampled_from([1, 5, 31]))
@settings(max_examples=25)
def test_the_detectable_effect_has_the_power_asked_for(n: int, m: int) -> None:
    assert power(detectable(0.02, n, m), 0.02, n, m) == pytest.approx(0.8, abs=1e-6)


def test_equivalence_power_is_what_simulation_finds() -> None:
    of = sample(np.random.default_rng(4).normal(0.2, 1.0, (40_000, 10)))
    half = half_width(of, 0.10)  # two one-sided tests at 5 %: the 90 % interval within +-1
    found = ((of.mean - half > -1.0) & (of.mean + half < 1.0)).mean()
    assert equivalence_power(0.2, 1.0, 10, 1.0) == pytest.approx(found, abs=0.008)
    assert equivalence_power(1.0, 0.1, 8, 1.0) == pytest.approx(0.05, abs=1e-3)  # the level


def test_no_spread_sees_everything_and_one_seed_nothing() -> None:
    assert (power(0.1, 0.0, 3), power(0.0, 0.0, 3), power(9.0, 1.0, 1)) == (1.0, 0.0, 0.0)
    assert (detectable(0.0, 3), detectable(1.0, 1)) == (0.0, math.inf)


def test_seeds_to_decide_are_the_first_that_are_enough() -> None:
    n = seeds_to_decide(0.02, 0.03, 5)
    assert n is not None

    def half(seeds: int) -> float:
        of = sample(np.array([[-1.0, 1.0]]))
        made = type(of)(np.zeros(1), np.full(1, 0.02), np.full(1, seeds))
        return float(half_width(made, 0.05 / 5)[0])

    assert half(n) <= 0.015 < half(n - 1)
    assert seeds_to_decide(0.02, 0.0001) is None


def test_more_seeds_are_a_range_and_end_at_the_budget() -> None:
    found = more_seeds(0.02, 5, 0.03, 5)
    assert found.low is not None
    assert found.high is not None
    assert 1 <= found.low < found.high <= 100
    assert more_seeds(1.0, 5, 0.001) == MoreSeeds(None, None)
    assert more_seeds(0.03, 3, 0.03).high is None


def test_four_of_five_ranges_hold_the_seeds_that_it_takes() -> None:
    truth = seeds_to_decide(0.02, 0.03, 5, start=3, stop=200)
    assert truth is not None
    rng, held = np.random.default_rng(6), 0
    for x in rng.normal(0.0, 0.02, (2000, 6)):
        found = more_seeds(float(x.std(ddof=1)), 6, 0.03, 5)
        # The low end is at least one more seed, the high end open beyond the budget.
        low, high = found.low or 101, found.high or 1000
        held += (low == 1 or low + 6 <= truth) and truth <= high + 6
    assert held / 2000 == pytest.approx(0.80, abs=0.04)


def test_the_noise_floor_pools_the_salts() -> None:
    """(1, 2, 3) and (10, 12): squares 2 and 2 on 2 and 1 degrees of freedom."""
    floor = noise_floor([[1.0, 2.0, 3.0], [10.0, 12.0, math.nan]])
    assert (floor.sd, floor.freedom) == (pytest.approx(math.sqrt(4 / 3)), 3)
    assert floor.low < floor.sd < floor.high
    assert math.isnan(noise_floor([1.0]).sd)


def test_95_of_100_noise_floors_hold_the_truth() -> None:
    rows = np.random.default_rng(8).normal(0.0, 0.03, (2000, 5))
    found = [noise_floor(row) for row in rows]
    held = np.mean([floor.low <= 0.03 <= floor.high for floor in found])
    assert held == pytest.approx(0.95, abs=0.015)
