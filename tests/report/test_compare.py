"""Two sides: what differs is listed, what may be compared is, and what may not is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from synthetic_study import study

from srbench.analysis.compare import Side, compare, split_name
from srbench.analysis.compare_shown import outcomes_shown, sentence, settings_shown
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import set_scores
from srbench.core.errors import UserError
from srbench.report.compare_drawn import comparison_page, comparison_summary, write_comparison


def named(results: Results, name: str = "second", **facts: object) -> Results:
    return replace(results, facts=replace(results.facts, name=name, **facts))  # type: ignore[arg-type]


def test_a_setting_that_differs_is_listed_and_no_other() -> None:
    first = study()
    second = named(study(), train=first.facts.train | {"loss": "l2"})
    table = settings_shown(compare(Side(first), Side(second)))
    assert table.rows == (("train.loss", "l1", "l2"),)


def test_a_difference_is_of_the_means() -> None:
    second = named(study({"plain": 0.1, "residual": 3.0, "new": 1.0}))
    rows = {
        r[0]: r[3] for r in outcomes_shown(compare(Side(study()), Side(second)), primary=True).rows
    }
    assert rows == {"plain": pytest.approx(0.1), "residual": pytest.approx(3.0 - 3.21)}


def test_the_simultaneous_interval_is_bonferronis_over_the_variants_compared() -> None:
    first = study({"plain": 0.0, "residual": 3.21}, seeds=4)
    second = study({"plain": 0.1, "residual": 3.0}, seeds=4)
    x, y = (set_scores(one)["psnr_y", "residual", "photos"] for one in (first, second))
    welch = stats.ttest_ind(list(y.values()), list(x.values()), equal_var=False)
    low, high = welch.confidence_interval(1 - 0.05 / 2)
    found = compare(Side(first), Side(named(second))).outcomes[1].simultaneous
    assert (found.low, found.high) == pytest.approx((low, high))


def test_an_image_that_one_side_leaves_out_counts_on_neither() -> None:
    first, second = study(), named(study({"plain": 0.4, "residual": 3.0}))
    scores = first.scores.copy()
    exact = (scores["image"] == "coffee") & (scores["metric"] == "psnr_y")
    scores.loc[exact & (scores["variant"] == "residual"), "value"] = np.inf
    flat = replace(first, scores=scores)
    gone = (second.scores["image"] == "coffee") & (second.scores["metric"] == "psnr_y")
    fewer = replace(second, scores=second.scores[~gone])
    for one, other in ((flat, second), (second, flat)):
        sides = [Side(fewer if side is second else side) for side in (one, other)]
        assert compare(Side(one), Side(other)).outcomes == compare(*sides).outcomes


def test_variants_of_one_study_compare() -> None:
    results = study()
    found = compare(Side(results, "residual"), Side(results, "residual_se"))
    assert sentence(found).startswith("quickstart:residual_se against quickstart:residual: +0.0")
    assert len([o for o in found.outcomes if o.primary]) == 1


def test_the_same_study_twice_scores_the_same() -> None:
    assert "score the same" in sentence(compare(Side(study()), Side(named(study()))))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: named(r, protocol="sr-rgb-v1"), "protocol sr-y-v1 and by sr-rgb-v1"),
        (lambda r: named(r, scale=4), "x2, the other for x4"),
        (lambda r: replace(r, runs=r.runs.assign(numerics="gpu fp32")), "different numerics"),
        (lambda r: replace(r, datasets=r.datasets.assign(manifest="0" * 64)), "same images"),
    ],
)
def test_what_may_not_be_mixed_is_refused(change: object, said: str) -> None:
    found = compare(Side(study()), Side(change(study())))  # type: ignore[operator]
    assert said in sentence(found)
    assert found.outcomes == ()
    assert said in comparison_page(found)


def test_a_mistaken_name_says_what_is_known() -> None:
    with pytest.raises(UserError, match=r"no trained variant 'se' \(known: plain"):
        compare(Side(study(), "se"), Side(study(), "plain"))
    with pytest.raises(UserError, match="on both sides, or on neither"):
        compare(Side(study(), "plain"), Side(study()))
    with pytest.raises(UserError, match="neither a study nor"):
        split_name("quickstart:")
    assert split_name("a:b") == ("a", "b")


def test_page_terminal_and_csv_say_the_same(tmp_path: Path) -> None:
    second = named(study({"plain": 0.1, "residual": 3.0}))
    found = compare(Side(study()), Side(second))
    page = write_comparison(found, tmp_path).read_text()
    with Console(width=300, record=True, quiet=True) as console:
        console.print(comparison_summary(found))
    said = sentence(found)
    assert said.split(",")[0] in page
    assert (tmp_path / "outcome.csv").read_text().count("\n") == 3
    assert len(found.outcomes) == 4


def test_every_state_compares_with_itself(any_state: Results) -> None:
    comparison_page(compare(Side(any_state), Side(any_state)))


def test_no_two_tables_of_the_page_are_called_the_same() -> None:
    found = compare(Side(study()), Side(study()))
    captions = [outcomes_shown(found, primary=one).caption for one in (True, False)]
    assert len(set(captions)) == 2  # a screen reader lists them
