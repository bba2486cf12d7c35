"""Verdicts: invariances, cases worked by hand, and when there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from srbench.analysis.effects import moderated
from srbench.analysis.significance import half_width
from srbench.analysis.verdicts import Rules, Verdict, decide, verdicts

BASE = [30.02, 29.97, 30.01, 29.99, 30.01]
CLEAR = [0.31, 0.26, 0.32, 0.30, 0.29]
NOTHING = [0.001, -0.002, 0.0015, 0.0, -0.0005]
LOUD = [0.2, -0.3, 0.1, -0.1, 0.15]
STUDIES = arrays(
    np.float64,
    st.tuples(st.integers(2, 6), st.integers(1, 5)),
    elements=st.integers(-400, 400).map(lambda x: x / 4096) | st.just(float("nan")),
)
"""Multiples of a power of two: signs and scales change no digit."""


def study(*differences: list[float]) -> np.ndarray:
    """Scores of a study whose variants differ from the baseline by so much in each seed."""
    return np.array([BASE, *(np.array(BASE) + row for row in differences)])


def only(row: list[float], min_effect: float | None = 0.2) -> Verdict:
    return verdicts(study(row), Rules(min_effect))[0]


def words(scores: object, rules: Rules = Rules(0.2)) -> list:  # noqa: B008
    return [row.word for row in verdicts(scores, rules)]  # type: ignore[arg-type]


def test_there_are_four_verdicts() -> None:
    rows = study(CLEAR, [-x for x in CLEAR], NOTHING, LOUD)
    assert words(rows) == ["helps", "hurts", "equivalent", "unresolved"]


def test_two_means_by_hand() -> None:
    """1, 2, 3 against 0, 0, 3: means 2 and 1, variances 1 and 3; error 2/sqrt 3, t = sqrt 3 / 2.

    Satterthwaite: (4/3)^2 / ((1/3)^2/2 + 1/2) = 3.2 degrees of freedom.
    """
    [row] = verdicts([[0.0, 0.0, 3.0], [1.0, 2.0, 3.0]], Rules(0.5))
    assert (row.effect, row.sd, row.n, row.other) == (1.0, 1.0, 3, 3)
    assert row.p == pytest.approx(2 * stats.t.sf(math.sqrt(3) / 2, 3.2))
    assert row.interval.half == pytest.approx(stats.t.ppf(0.975, 3.2) * 2 / math.sqrt(3))
    assert row.p_within == pytest.approx(stats.t.cdf(0.5 / (2 / math.sqrt(3)), 3.2))


def test_t_and_tost_and_holm_are_statsmodels() -> None:
    weightstats = pytest.importorskip("statsmodels.stats.weightstats", reason="no statsmodels")
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="no statsmodels")
    study = np.random.default_rng(1).normal(np.linspace(-0.1, 0.1, 7)[:, None], 0.05, (7, 8))
    rows = verdicts(study, Rules(0.04, paired=True))
    described = [weightstats.DescrStatsW(x - study[0]) for x in study[1:]]
    p = [d.ttest_mean(0)[1] for d in described]
    within = [d.ttost_mean(-0.04, 0.04)[0] for d in described]
    assert [row.p for row in rows] == pytest.approx(p, rel=1e-10)
    assert [row.sd for row in rows] == pytest.approx([np.std(d.data, ddof=1) for d in described])
    assert [row.p_within for row in rows] == pytest.approx(within, rel=1e-10)
    for found, raw in (("p_holm", p), ("p_within_holm", within)):
        expected = multitest.multipletests(raw, method="holm")[1]
        assert [getattr(row, found) for row in rows] == pytest.approx(expected, rel=1e-10)


def test_a_variance_borrows_and_is_only_raised() -> None:
    """Variances 1 and 9 of 3 seeds: the pooled one is 5; 1 becomes 3, 9 stays.

    Of the two degrees of freedom of the other one, each borrows a quarter.
    """
    variance, freedom = moderated(np.array([100.0, 1.0, 9.0]), np.array([5, 3, 3]))
    assert variance.tolist() == [100.0, 3.0, 9.0]
    assert freedom.tolist() == [4.0, 2.5, 2.5]


def test_without_a_min_effect_nothing_is_equivalent() -> None:
    row = only(NOTHING, None)
    assert (row.word, row.more) == ("unresolved", None)
    assert math.isnan(row.p_within)


def test_without_a_verdict_the_reason_is_named() -> None:
    nan = math.nan
    row, none = only([0.3, 0.4, nan, nan, nan]), only([nan] * 5)
    assert (row.effect, row.word) == (pytest.approx(0.345), None)
    assert row.why == "2 of the 3 seeds that a verdict needs"
    assert math.isnan(row.p)
    assert (none.n, none.word) == (0, None)
    short = verdicts([[*BASE[:2], nan, nan, nan], BASE], Rules(0.2))[0]
    assert short.why == "the baseline has 2 of the 3 seeds that a verdict needs"
    assert "every seed gives the same difference" in only([0.3] * 5).why


def test_identical_scores_are_equivalent_and_named_identical() -> None:
    row = only([0.0] * 5)
    assert (row.word, row.identical, row.p, row.p_within) == ("equivalent", True, 1.0, 0.0)
    assert not only(NOTHING).identical
    shifted = only([1e-6] * 5)  # within rounding
    assert (shifted.word, shifted.effect, shifted.identical) == ("equivalent", 0.0, False)


@pytest.mark.parametrize("by_pairs", [False, True])
def test_the_permutation_p_starts_at_six_seeds(by_pairs: bool) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(30, 0.1, (2, 6))
    assert math.isnan(verdicts(x[:, :5], Rules(paired=by_pairs))[0].p_permutation)
    kind = "samples" if by_pairs else "independent"
    exact = stats.permutation_test(
        (x[1], x[0]), lambda a, b: a.mean() - b.mean(), permutation_type=kind, n_resamples=np.inf
    ).pvalue
    assert verdicts(x, Rules(paired=by_pairs))[0].p_permutation == pytest.approx(exact)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="scores are"):
        verdicts([0.1, 0.2], Rules())
    with pytest.raises(ValueError, match="min_effect is"):
        Rules(0.0)


def flat(row: Verdict) -> dict[str, float]:
    """The numbers of a verdict by name, those of its intervals included."""
    found = {k: float(v) for k, v in vars(row).items() if isinstance(v, int | float)}
    return found | {
        f"{k} {end}": getattr(vars(row)[k], end)
        for k in ("interval", "simultaneous")
        for end in ("low", "high")
    }


@given(STUDIES, st.booleans())
def test_the_other_direction_swaps_helps_and_hurts(x: np.ndarray, paired: bool) -> None:
    swap = {"helps": "hurts", "hurts": "helps"}
    up, down = Rules(0.03, "higher", paired), Rules(0.03, "lower", paired)
    assert words(x, down) == [swap.get(word, word) for word in words(x, up)]
    assert words(-x, down) == words(x, up)


@given(STUDIES, st.sampled_from([2.0**-20, 0.5, 8.0, 1024.0]))
def test_units_do_not_matter(x: np.ndarray, unit: float) -> None:
    one, other = decide(x, Rules(0.03)), decide(x * unit, Rules(0.03 * unit))
    assert one.code.tolist() == other.code.tolist()
    assert np.array_equal(one.p, other.p, equal_nan=True)


@given(STUDIES, st.randoms(use_true_random=False))
def test_the_order_of_variants_and_seeds_does_not_matter(x: np.ndarray, random: object) -> None:
    order = list(range(1, len(x)))
    seeds = list(range(x.shape[1]))
    random.shuffle(order)  # type: ignore[attr-defined]
    random.shuffle(seeds)  # type: ignore[attr-defined]
    straight, mixed = verdicts(x, Rules(0.03)), verdicts(x[[0, *order]][:, seeds], Rules(0.03))
    for k, i in enumerate(order):
        one, other = mixed[k], straight[i - 1]
        assert flat(one) == pytest.approx(flat(other), rel=1e-9, abs=1e-12, nan_ok=True)
        assert (one.word, one.why) == (other.word, other.why)


@given(STUDIES, st.integers(1, 3))
def test_seeds_that_did_not_run_change_nothing(x: np.ndarray, k: int) -> None:
    wider = np.concatenate([x, np.full((len(x), k), np.nan)], axis=1)
    for one, other in zip(verdicts(x, Rules(0.03)), verdicts(wider, Rules(0.03)), strict=True):
        assert flat(other) == pytest.approx(flat(one), rel=1e-9, abs=1e-12, nan_ok=True)
        assert (other.word, other.why, other.more) == (one.word, one.why, one.more)


@given(STUDIES, st.booleans())
def test_leading_axes_decide_study_by_study(x: np.ndarray, paired: bool) -> None:
    rules = Rules(0.03, paired=paired)
    stacked = decide(np.stack([x, -x]), rules)
    for k, scores in enumerate((x, -x)):
        alone = decide(scores, rules)
        assert stacked.code[k].tolist() == alone.code.tolist()
        assert np.array_equal(stacked.p_holm[k], alone.p_holm, equal_nan=True)
        assert np.array_equal(stacked.p_within_holm[k], alone.p_within_holm, equal_nan=True)


def test_a_verdict_must_come_once_the_interval_is_narrow_enough() -> None:
    """Simultaneous half-width at most min_effect/2: zero is out, or all lies within the margin."""
    rng = np.random.default_rng(3)
    narrow = 0
    for _ in range(400):
        x = rng.normal(rng.uniform(-0.1, 0.1, (5, 1)), rng.uniform(0.001, 0.02), (5, 6))
        found = decide(x, Rules(0.03))
        small = half_width(found.of, 0.05 / 4) <= 0.015
        narrow += int(small.sum())
        assert np.isin(found.code[small], (1, -1, 2)).all()
    assert narrow > 300
