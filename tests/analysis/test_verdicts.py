"""Verdicts: invariances, cases worked by hand, and when there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from srbench.analysis.effects import t_interval
from srbench.analysis.significance import holm
from srbench.analysis.verdicts import Verdict, decide, verdicts

CLEAR = [0.30, 0.31, 0.29, 0.30, 0.32]
NOTHING = [0.001, -0.002, 0.0015, 0.0, -0.0005]
LOUD = [0.2, -0.3, 0.1, -0.1, 0.15]
STUDIES = arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 9)),
    elements=st.integers(-400, 400).map(lambda x: x / 4096) | st.just(float("nan")),
)
"""Multiples of a power of two: signs and scales change no digit."""


def only(row: list[float], min_effect: float | None = 0.03) -> Verdict:
    return verdicts([row], min_effect)[0]


def words(differences: object, min_effect: float | None = 0.03, better: str = "higher") -> list:
    return [row.word for row in verdicts(differences, min_effect, better)]  # type: ignore


def same(one: Verdict, other: Verdict) -> bool:
    """Equal to the last digit, where NaN equals NaN."""
    return repr(one) == repr(other)


def test_there_are_four_verdicts() -> None:
    rows = [CLEAR, [-x for x in CLEAR], NOTHING, LOUD]
    assert words(rows) == ["helps", "hurts", "equivalent", "unresolved"]


def test_three_differences_by_hand() -> None:
    """1, 2, 3: mean 2, sd 1, t = 2 sqrt 3; with 2 degrees of freedom p = 1 - t/sqrt(t^2 + 2)."""
    row = only([1.0, 2.0, 3.0], 0.5)
    assert (row.effect, row.sd, row.n) == (2.0, 1.0, 3)
    assert row.p == pytest.approx(1 - math.sqrt(12 / 14))
    assert row.interval.half == pytest.approx(4.302652729911275 / math.sqrt(3))
    # TOST: the nearer margin is 1.5 behind the mean: t = -1.5 sqrt 3 on the wrong side.
    t = 1.5 * math.sqrt(3)
    assert row.p_within == pytest.approx(0.5 + t / (2 * math.sqrt(t * t + 2)))


def test_an_untested_contrast_still_counts_in_the_family() -> None:
    assert holm([0.01, math.nan])[0] == pytest.approx(0.02)
    row = verdicts([CLEAR, [math.nan] * 5], 0.03)[0]
    assert row.interval.low == pytest.approx(t_interval(CLEAR).low)
    assert row.simultaneous.low == pytest.approx(t_interval(CLEAR, 1 - 0.05 / 2).low)


def test_equivalent_comes_before_helps() -> None:
    row = only([0.010, 0.011, 0.009, 0.010, 0.0105])
    assert row.p_holm < 0.05
    assert row.word == "equivalent"


def test_without_a_min_effect_nothing_is_equivalent() -> None:
    row = only(NOTHING, None)
    assert (row.word, row.more) == ("unresolved", None)
    assert math.isnan(row.p_within)


def test_fewer_than_three_seeds_give_numbers_and_no_verdict() -> None:
    row, none = only([0.3, 0.4]), only([math.nan] * 3)
    assert (row.effect, row.word) == (pytest.approx(0.35), None)
    assert row.why == "2 of the 3 seeds that a verdict needs"
    assert math.isnan(row.p)
    assert (none.n, none.word) == (0, None)


def test_sign_flip_starts_at_six_seeds() -> None:
    assert math.isnan(only(LOUD).p_sign_flip)
    assert only([*LOUD, 0.1]).p_sign_flip > 0


def test_identical_scores_are_equivalent_and_named_identical() -> None:
    row = only([0.0] * 4)
    assert (row.word, row.identical, row.p, row.p_within) == ("equivalent", True, 1.0, 0.0)
    assert not only(NOTHING).identical


@pytest.mark.parametrize("value", [0.3, 0.1, -7.123, 1e-7])
def test_one_difference_repeated_gives_no_verdict(value: float) -> None:
    """Seeds that change nothing replicate one training; the t test would see p = 0."""
    rounding = np.array([30.1 + value - 30.1, value, 29.7 + value - 29.7, value])
    for row in (only([value] * 4), only(np.where(abs(value) > 1e-3, rounding, value).tolist())):
        assert row.word is None
        assert "same difference" in row.why
        assert not row.identical


@pytest.mark.parametrize(
    ("differences", "min_effect"), [([0.1, 0.2], 0.03), ([[0.1]], 0.0), ([[0.1]], -1.0)]
)
def test_nonsense_is_refused(differences: list, min_effect: float) -> None:
    with pytest.raises(ValueError, match=r"differences are|min_effect is"):
        verdicts(differences, min_effect)


def flat(row: Verdict) -> dict[str, float]:
    """The numbers of a verdict by name, those of its intervals included."""
    found = {k: float(v) for k, v in vars(row).items() if isinstance(v, int | float)}
    return found | {
        f"{k} {end}": getattr(vars(row)[k], end)
        for k in ("interval", "simultaneous")
        for end in ("low", "high")
    }


@given(STUDIES)
def test_the_other_direction_swaps_helps_and_hurts(x: np.ndarray) -> None:
    swap = {"helps": "hurts", "hurts": "helps"}
    assert words(x, better="lower") == [swap.get(word, word) for word in words(x)]
    assert words(-x, better="lower") == words(x)


@given(STUDIES, st.sampled_from([2.0**-20, 0.5, 8.0, 1024.0]))
def test_units_do_not_matter(x: np.ndarray, unit: float) -> None:
    one, other = decide(x, 0.03, "higher"), decide(x * unit, 0.03 * unit, "higher")
    assert one.code.tolist() == other.code.tolist()
    assert np.array_equal(one.p, other.p, equal_nan=True)


@given(STUDIES, st.randoms(use_true_random=False))
def test_the_order_of_contrasts_does_not_matter(x: np.ndarray, random: object) -> None:
    order = list(range(len(x)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight, mixed = verdicts(x, 0.03), verdicts(x[order], 0.03)
    assert all(same(mixed[k], straight[i]) for k, i in enumerate(order))


@given(STUDIES, st.integers(1, 3))
def test_seeds_that_did_not_run_change_only_the_missing_pairs(x: np.ndarray, k: int) -> None:
    wider = np.concatenate([x, np.full((len(x), k), np.nan)], axis=1)
    for one, other in zip(verdicts(x, 0.03), verdicts(wider, 0.03), strict=True):
        assert other.planned == one.planned + k
        before, after = (  # sums in another order: the last digit is free
            {k: v for k, v in flat(row).items() if k != "planned"} for row in (one, other)
        )
        assert after == pytest.approx(before, rel=1e-9, abs=1e-12, nan_ok=True)
        assert (other.word, other.why, other.more) == (one.word, one.why, one.more)


@given(STUDIES)
def test_leading_axes_decide_study_by_study(x: np.ndarray) -> None:
    stacked = decide(np.stack([x, -x]), 0.03, "higher")
    for k, study in enumerate((x, -x)):
        alone = decide(study, 0.03, "higher")
        assert stacked.code[k].tolist() == alone.code.tolist()
        assert np.array_equal(stacked.p_holm[k], alone.p_holm, equal_nan=True)
        assert np.array_equal(stacked.p_within_holm[k], alone.p_within_holm, equal_nan=True)


def test_a_verdict_must_come_once_the_interval_is_narrow_enough() -> None:
    """Simultaneous half-width at most min_effect/2: zero is out, or all lies within the margin."""
    rng = np.random.default_rng(3)
    narrow = 0
    for _ in range(400):
        x = rng.normal(rng.uniform(-0.1, 0.1, (4, 1)), rng.uniform(0.001, 0.03), (4, 6))
        for row in verdicts(x, 0.03):
            if row.simultaneous.half <= 0.015:
                narrow += 1
                assert row.word in ("helps", "hurts", "equivalent")
    assert narrow > 300
