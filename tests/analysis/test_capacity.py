"""Quality against cost: ratios, fronts and twins agree with arithmetic and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.analysis.capacity import effect_per_cost, fieller, on_front, pareto, twin
from srbench.analysis.effects import Interval, t_interval


def exact(cost: float) -> Interval:
    return Interval(cost, math.nan, math.nan, 1)


@pytest.mark.parametrize(("sign", "note"), [(1, ""), (-1, "saves cost")])
def test_an_exact_cost_divides_the_interval(sign: int, note: str) -> None:
    low, high = sorted((0.06 * sign, 0.18 * sign))
    found = effect_per_cost(Interval(0.12 * sign, low, high, 5), exact(6000 * sign), per=1000)
    assert (found.value, found.low, found.high) == pytest.approx((0.02, 0.01, 0.03))
    assert found.note.startswith(note)


@pytest.mark.parametrize(
    ("effect", "extra", "note"),
    [
        ([0.1, 0.2], exact(0), "costs nothing"),
        ([0.1, 0.2], exact(math.nan), "not measured"),
        ([0.1], t_interval([1.0, 2.0]), "too few values for an interval"),
    ],
)
def test_without_a_cost_or_an_interval_there_is_a_note_instead(
    effect: list[float], extra: Interval, note: str
) -> None:
    found = effect_per_cost(t_interval(effect), extra)
    assert math.isnan(found.value)
    assert found.note == note


def test_a_measured_cost_without_noise_is_an_exact_one() -> None:
    effect = t_interval([0.1, 0.12, 0.14])
    measured = effect_per_cost(effect, Interval(2.0, 2.0, 2.0, 30))
    known = effect_per_cost(effect, exact(2.0))
    assert (measured.low, measured.high) == pytest.approx((known.low, known.high))


def test_a_cost_that_may_be_zero_gives_an_unbounded_interval() -> None:
    found = effect_per_cost(t_interval([0.1, 0.12, 0.14]), t_interval([-1.0, 0.2, 1.0]))
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert "may be zero" in found.note


def test_fiellers_ends_are_where_the_test_just_fails() -> None:
    a, sd_a, b, sd_b, t = 1.0, 0.2, 2.0, 0.3, 2.1
    for end in fieller(a, sd_a, b, sd_b, t):
        assert abs(a - end * b) / math.hypot(sd_a, end * sd_b) == pytest.approx(t)


POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=8)


@given(POINTS)
def test_the_front_is_what_nothing_dominates(points: list[tuple[int, int]]) -> None:
    quality, cost = np.array(points, dtype=float).T
    found = on_front(quality[None], cost)[0]
    for i, (q, c) in enumerate(points):
        assert found[i] != any(p >= q and d <= c and (p > q or d < c) for p, d in points)
    lower = pareto([{0: -q} for q in quality], cost.tolist(), "lower")
    assert [place.on_front for place in lower] == found.tolist()


def test_the_probability_of_the_front_is_that_of_the_seeds() -> None:
    noise = (0.02, -0.03, 0.01, 0.03, -0.03)
    good = {s: 37 + x for s, x in enumerate(noise)}
    close = {s: 37 - x for s, x in enumerate(noise)}
    found = pareto([good, close, dict.fromkeys(range(5), 36.0)], [10, 11, 12])
    assert found[0].probability == 1.0  # the cheapest
    assert 0.3 < found[1].probability < 0.7
    assert (found[2].on_front, found[2].probability) == (False, 0.0)


def test_what_all_seeds_share_makes_no_doubt() -> None:
    level = {0: 30.0, 1: 40.0, 2: 35.0}
    better = {s: x + 0.1 for s, x in level.items()}
    assert [p.probability for p in pareto([level, better], [1, 2])] == [1.0, 1.0]
    assert pareto([level, better], [2, 2])[0].probability == 0.0


def test_the_scaled_bootstrap_has_the_spread_of_the_mean() -> None:
    """Two variants, one difference of +1 sd of its mean: in about 84 % it is above 0."""
    x = np.random.default_rng(1).normal(size=400)
    x = (x - x.mean()) / x.std(ddof=1) + 1 / math.sqrt(400)
    found = pareto([dict.fromkeys(range(400), 0.0), dict(enumerate(x))], [1, 2])
    assert found[1].probability == pytest.approx(0.841, abs=0.02)


@pytest.mark.parametrize("quality", [[{0: 1.0, 1: 2.0}, {0: 1.0, 1: 3.0}], [{0: 1.5}, {1: 2.0}]])
def test_below_three_common_seeds_the_means_decide(quality: list[dict[int, float]]) -> None:
    found = pareto(quality, [1, 1])
    assert [place.on_front for place in found] == [False, True]
    assert all(math.isnan(place.probability) for place in found)


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
