"""Quality against cost: ratios, fronts and twins agree with arithmetic and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.analysis.capacity import (
    CostedVariant,
    effect_per_cost,
    effect_per_measured_cost,
    fieller,
    front,
    pareto,
    twin,
)
from srbench.analysis.effects import Interval, t_interval


def test_an_exact_cost_divides_the_interval() -> None:
    tag = effect_per_cost(Interval(0.12, 0.06, 0.18, 5), 6000, per=1000)
    assert (tag.value, tag.low, tag.high) == pytest.approx((0.02, 0.01, 0.03))
    saved = effect_per_cost(Interval(-0.12, -0.18, -0.06, 5), -6000, per=1000)
    assert (saved.value, saved.low, saved.high) == pytest.approx((0.02, 0.01, 0.03))
    assert "saves" in saved.note


def test_what_costs_nothing_has_no_price() -> None:
    tag = effect_per_cost(Interval(0.12, 0.06, 0.18, 5), 0)
    assert math.isnan(tag.value)
    assert tag.note == "costs nothing"


def test_a_measured_cost_without_doubt_is_an_exact_one() -> None:
    effect = t_interval([0.1, 0.12, 0.14])
    measured = effect_per_measured_cost(effect, Interval(2.0, 2.0, 2.0, 30))
    exact = effect_per_cost(effect, 2.0)
    assert (measured.low, measured.high) == pytest.approx((exact.low, exact.high))


def test_a_cost_that_may_be_none_gives_a_price_without_end() -> None:
    tag = effect_per_measured_cost(t_interval([0.1, 0.12, 0.14]), t_interval([-1.0, 0.2, 1.0]))
    assert (tag.low, tag.high) == (-math.inf, math.inf)
    assert "may be zero" in tag.note
    assert math.isnan(effect_per_measured_cost(t_interval([0.1]), t_interval([1.0, 2.0])).low)


def test_fiellers_interval_holds_the_ratio_95_times_of_100() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(4000):
        low, high = fieller(rng.normal(1.0, 0.2), 0.2, rng.normal(2.0, 0.4), 0.4, 1.96)
        held += low <= 0.5 <= high
    assert held / 4000 == pytest.approx(0.95, abs=0.012)


def test_fiellers_ends_are_where_the_test_just_fails() -> None:
    a, sd_a, b, sd_b, t = 1.0, 0.2, 2.0, 0.3, 2.1
    for end in fieller(a, sd_a, b, sd_b, t):
        assert abs(a - end * b) / math.hypot(sd_a, end * sd_b) == pytest.approx(t)


POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=8)


@given(POINTS)
def test_the_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    quality, cost = [q for q, _ in points], [c for _, c in points]
    found = front(quality, cost)
    for i, (q, c) in enumerate(points):
        beaten = any(p >= q and d <= c and (p > q or d < c) for p, d in points)
        assert found[i] == (not beaten)
    assert found.any()
    assert (front([-q for q in quality], cost, "lower") == found).all()


def test_the_doubt_of_the_front_is_that_of_the_seeds() -> None:
    seeds = range(5)
    noise = (0.02, -0.03, 0.01, 0.03, -0.03)
    good = CostedVariant("good", {s: 37 + n for s, n in zip(seeds, noise, strict=True)}, 10)
    close = CostedVariant("close", {s: 37 - n for s, n in zip(seeds, noise, strict=True)}, 11)
    poor = CostedVariant("poor", dict.fromkeys(seeds, 36.0), 12)
    places = {p.name: p for p in pareto([good, close, poor])}
    assert places["good"].probability == 1.0  # the cheapest
    assert 0.3 < places["close"].probability < 0.7
    assert places["poor"].probability == 0.0
    assert not places["poor"].on_front


def test_what_all_seeds_share_makes_no_doubt() -> None:
    level = {0: 30.0, 1: 40.0, 2: 35.0}
    better = CostedVariant("better", {s: x + 0.1 for s, x in level.items()}, 2)
    places = pareto([CostedVariant("base", level, 1), better])
    assert [p.probability for p in places] == [1.0, 1.0]
    assert pareto([CostedVariant("base", level, 2), better])[0].probability == 0.0


def test_the_stretched_bootstrap_has_the_spread_of_the_mean() -> None:
    """Two variants, one difference of +1 sd of its mean: in about 84 % it is above 0."""
    x = np.random.default_rng(1).normal(size=400)
    x = (x - x.mean()) / x.std(ddof=1) + 1 / math.sqrt(400)
    probability = pareto([CostedVariant("a", dict.fromkeys(range(400), 0.0), 1),
                          CostedVariant("b", dict(enumerate(x)), 2)])[1].probability  # fmt: skip
    assert probability == pytest.approx(0.841, abs=0.02)


def test_two_seeds_have_a_front_without_probability() -> None:
    [place] = pareto([CostedVariant("a", {0: 1.0, 1: 2.0}, 1)])
    assert place.on_front
    assert math.isnan(place.probability)
    with pytest.raises(ValueError, match="no seed"):
        pareto([CostedVariant("a", {0: 1.0}, 1), CostedVariant("b", {1: 1.0}, 1)])


@given(st.integers(1, 200_000), st.sampled_from([1, 2, 4, 8]), st.integers(1, 40))
def test_a_twin_is_the_nearest_width_of_all(target: int, multiple: int, slope: int) -> None:
    def cost(width: int) -> float:
        return slope * width * width + 7 * width + 100

    found = twin(cost, target, 4, 96, multiple)
    widths = [w for w in range(4, 97) if w % multiple == 0]
    assert found.width in widths
    assert abs(cost(found.width) - target) == min(abs(cost(w) - target) for w in widths)
    assert found.mismatch == pytest.approx(cost(found.width) / target - 1)


def test_a_twin_is_found_in_few_builds() -> None:
    built: list[int] = []

    def cost(width: int) -> float:
        built.append(width)
        return 9.0 * width * width

    assert twin(cost, 9 * 64 * 64, 1, 1024).width == 64
    assert len(built) <= 13


def test_no_twin_is_made_up() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        twin(float, 10, 3, 7, multiple=8)
    with pytest.raises(ValueError, match="falls"):
        twin(lambda w: -float(w), 10, 1, 9)
    with pytest.raises(ValueError, match="above 0"):
        twin(float, 0, 1, 9)
    assert twin(lambda w: w * (1.02 if w == 5 else 1.0), 5.05, 1, 9, noise=0.1).width == 5
