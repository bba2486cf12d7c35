"""Seeds until decided: boundaries of the literature, and the state at each look."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.analysis.looks import decide_looks, schedule, sequential
from srbench.analysis.significance import half_width, sample
from srbench.analysis.spending import LOOKS, boundaries, one_sided, two_sided
from srbench.analysis.verdicts import WORDS

NOISE = np.random.default_rng(2).normal(0.0, 0.02, (3, 20))


def test_five_equal_looks_are_lan_and_demets_table() -> None:
    expected = (4.877, 3.357, 2.680, 2.290, 2.031)
    assert boundaries((1, 2, 3, 4, 5), 0.05) == pytest.approx(expected, abs=5e-4)


def test_only_shares_of_the_information_matter() -> None:
    assert boundaries((2, 4, 6), 0.05) == boundaries((1, 2, 3), 0.05)


def test_one_look_is_the_ordinary_test() -> None:
    assert two_sided((7,), 0.05) == pytest.approx((0.05,))
    assert one_sided((7,), 0.05) == pytest.approx((0.05,))


@given(st.sets(st.integers(1, 60), min_size=1, max_size=6), st.integers(1, 31))
def test_no_look_has_more_than_all_and_together_they_have_it(looks: set[int], m: int) -> None:
    found = two_sided(tuple(sorted(looks)), 0.05 / m)
    assert max(found) <= 0.05 / m * (1 + 1e-9)
    assert sum(found) >= 0.05 / m * (1 - 1e-9)  # Bonferroni: the sum bounds what is spent


@pytest.mark.parametrize("looks", [(), (2, 5), (5, 3), (3, 3)])
def test_looks_that_cannot_be_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="looks are"):
        schedule(1, looks)


def test_a_clear_effect_stops_early_and_noise_goes_on() -> None:
    x = NOISE + np.array([[0.3], [0.0], [0.03]])
    found = sequential(x[:, :8], 0.01)
    assert [row.state for row in found.rows] == ["decided", "continue", "continue"]
    assert (found.rows[0].word, found.rows[0].looks[-1].seeds) == ("helps", 8)
    x[0, 8:] = -0.3
    assert sequential(x, 0.01).rows[0] == found.rows[0]  # a decision stays
    assert sequential(NOISE[:1], 0.05).rows[0].word == "equivalent"


def test_after_the_last_look_an_open_question_stays_open() -> None:
    found = sequential(NOISE[:1] * 100, 0.03)
    assert (found.rows[0].state, found.rows[0].next_look) == ("unresolved", None)
    assert [look.seeds for look in found.rows[0].looks] == list(LOOKS)


def test_a_look_waits_for_all_its_seeds_but_not_for_lost_ones() -> None:
    x = NOISE[:1, :5].copy()
    x[0, 1] = math.nan
    assert sequential(x, 0.03).rows[0].next_look == 3
    lost = np.isnan(x)
    x[0, 1] = 99.0  # the value of a lost pair does not count
    found = sequential(x, 0.03, lost=lost).rows[0]
    assert found.next_look == 8
    assert [(look.seeds, look.n, look.word) for look in found.looks] == [
        (3, 2, None),
        (5, 4, "unresolved"),
    ]


def test_repeated_intervals_are_t_intervals_at_the_nominal_level() -> None:
    look = sequential(NOISE, 0.0001).rows[1].looks[2]
    of = sample(NOISE[1, :8])
    assert look.nominal == two_sided(LOOKS, 0.05 / 3)[2]
    assert look.repeated.half == pytest.approx(float(half_width(of, look.nominal)))


@given(st.integers(0, 10_000))
def test_arrays_of_studies_decide_as_single_ones(key: int) -> None:
    rng = np.random.default_rng(key)
    x = rng.normal(rng.uniform(-0.1, 0.1, (2, 3, 1)), 0.03, (2, 3, 20))
    codes = decide_looks(x, 0.05, "lower", schedule(3))  # (looks, studies, contrasts)
    for study in range(2):
        for row, course in enumerate(sequential(x[study], 0.05, "lower").rows):
            first = [code for code in codes[:, study, row] if code != 0][:1]
            word = WORDS[int(first[0])] if first else "unresolved"
            assert course.word == word


def test_more_contrasts_make_each_look_stricter() -> None:
    for one, five in zip(schedule(1).different, schedule(5).different, strict=True):
        assert five < one
