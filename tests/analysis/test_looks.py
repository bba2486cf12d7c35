"""Seeds until decided: the share of each look, and the state at each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srbench.analysis.looks import LOOKS, Schedule, each_look, sequential
from srbench.analysis.significance import half_width
from srbench.analysis.verdicts import WORDS, Rules, decide

PLAN = Schedule(LOOKS, 3)
NOISE = np.random.default_rng(2).normal(0.0, 0.02, (4, PLAN.baseline[-1]))
RULES = Rules(0.01)


def effects(*sizes: float) -> np.ndarray:
    """Scores of a baseline and of variants with these effects, as many seeds as all looks need."""
    x = NOISE[: 1 + len(sizes)].copy()
    x[1:] += np.array(sizes)[:, None]
    x[1:, LOOKS[-1] :] = np.nan
    return x


def first(x: np.ndarray, seeds: int, base: int) -> np.ndarray:
    """What there is once so many seeds of the variants and of the baseline have finished."""
    x = x.copy()
    x[1:, seeds:] = np.nan
    x[0, base:] = np.nan
    return x


@pytest.mark.parametrize("looks", [(), (2, 5)])
def test_looks_that_cannot_be_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="looks are"):
        Schedule(looks, 1)


def test_looks_share_the_error_equally() -> None:
    assert Schedule((3, 5, 8, 12, 20), 31).level == pytest.approx(0.01)
    assert Schedule((3, 5), 4).baseline == (6, 10)


def test_one_look_is_the_verdict_of_a_fixed_number() -> None:
    x = effects(0.3, 0.0, 0.03)
    x = first(x, 5, 9)
    rows = sequential(x, RULES, (5,))
    assert [WORDS[int(code)] for code in decide(x, RULES).code] == [row.word for row in rows]


def test_a_clear_effect_stops_early_and_noise_goes_on() -> None:
    x = effects(0.3, 0.0, 0.015)
    found = sequential(first(x, 3, PLAN.baseline[0]), RULES)
    assert [row.state for row in found] == ["decided", "continue", "continue"]
    assert (found[0].word, found[0].looks[-1].seeds) == ("helps", 3)
    x[1, 3:20] = 29.0  # seeds after the decision count for nothing
    assert sequential(x, RULES)[0] == found[0]


def test_after_the_last_look_an_open_question_stays_open() -> None:
    found = sequential(effects(0.0) * 100, Rules(0.03))
    assert (found[0].state, found[0].next_look) == ("unresolved", None)
    assert [look.seeds for look in found[0].looks] == list(LOOKS)


def test_a_look_waits_for_all_its_seeds_but_not_for_lost_ones() -> None:
    x = first(effects(0.0), 5, 5)
    x[1, 1] = math.nan
    assert sequential(x, Rules(0.001))[0].next_look == 3
    lost = np.zeros(x.shape, bool)
    lost[1, 1] = True
    x[1, 1] = 99.0  # the value of a lost run does not count
    found = sequential(x, Rules(0.001), lost=lost)[0]
    assert found.next_look == 8
    assert [(look.seeds, look.n, look.word) for look in found.looks] == [
        (3, 2, None),
        (5, 4, "unresolved"),
    ]


def test_a_look_waits_for_the_baseline() -> None:
    x = effects(0.0, 0.0, 0.0)
    assert sequential(first(x, 3, PLAN.baseline[0] - 1), RULES)[0].next_look == 3


def test_repeated_intervals_hold_over_looks_and_contrasts() -> None:
    x = effects(0.0, 0.0, 0.0)
    rules = Rules(0.0001)
    look = sequential(x, rules)[1].looks[2]
    of = rules.differences(first(x, 8, PLAN.baseline[2]))
    assert look.level == pytest.approx(0.01)
    assert look.repeated.half == pytest.approx(float(half_width(of, 0.05 / 5 / 3)[1]))


@given(st.integers(0, 10_000))
def test_arrays_of_studies_decide_as_single_ones(key: int) -> None:
    rng = np.random.default_rng(key)
    x = rng.normal(rng.uniform(-0.1, 0.1, (2, 4, 1)), 0.03, (2, 4, PLAN.baseline[-1]))
    rules = Rules(0.05, "lower")
    codes = each_look(x, rules, PLAN)[-1].code  # (studies, contrasts)
    for study in range(2):
        rows = sequential(x[study], rules)
        assert [row.word for row in rows] == [WORDS[int(code)] for code in codes[study]]
