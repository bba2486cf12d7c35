"""Sentences that misled, each as a study of which the page must now say something else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted import FIVE, around, planted

from srbench.analysis.answer import answer, warnings
from srbench.analysis.claims_findings import Finding, sentence
from srbench.analysis.claims_readings import BySeed
from srbench.analysis.image_effects import where_heading
from srbench.analysis.judgement import judgement
from srbench.analysis.phrases import settles

NAN = float("nan")


def rolled(effect: float, sd: float, seeds: int, by: int) -> list[float]:
    """Differences of this mean and spread, in another order for each variant."""
    return np.roll(around(effect, sd, seeds), by).tolist()


def test_an_effect_that_a_few_more_seeds_decide_is_not_beyond_the_budget() -> None:
    results = planted({f"v{k}": rolled(0.3, 0.12, 3, k) for k in range(5)})
    [open_one, *_] = [c for c in judgement(results).contrasts if c.word == "unresolved"]
    assert open_one.more is not None
    assert open_one.more.likely is not None
    assert open_one.more.likely <= 3
    assert "would decide it if the effect is as estimated" in answer(results)


def test_the_best_of_several_is_quoted_with_the_simultaneous_interval() -> None:
    best = judgement(planted(FIVE)).contrasts[0]
    assert best.simultaneous.half > best.verdict.interval.half
    low, high = f"{best.simultaneous.low:.2f}", f"{best.simultaneous.high:.2f}"
    assert f"simultaneous 95 % interval {low} to {high}" in answer(planted(FIVE))


@pytest.mark.parametrize(
    ("effect", "word"), [(around(0.0007, 0.002, 5), "equivalent"), (around(0.08, 0.15, 5), "unre")]
)
def test_no_images_are_counted_for_a_variant_that_is_not_shown_to_differ(
    effect: list[float], word: str
) -> None:
    heading = where_heading(planted({"c": effect}))
    assert "better on" not in heading
    assert word in heading


def test_an_unresolved_variant_is_not_called_the_best() -> None:
    says = answer(planted({"c": around(0.08, 0.15, 5), "d": around(-0.5, 0.05, 5)}))
    assert says.startswith("No variant is shown to help: the nearest, c, is unresolved")
    assert "best" not in says


def test_a_contrast_says_how_many_of_its_seeds_count_and_why() -> None:
    rows = {"up": [*around(1.02, 0.05, 3), NAN, NAN], "b": rolled(0.2, 0.02, 5, 1)}
    assert "3 of 5 seeds, 2 diverged, against 5; p" in answer(planted(rows))


def test_runs_without_a_score_are_counted() -> None:
    results = planted({"up": around(1.02, 0.05, 5)})
    scores = results.scores
    kept = scores[~((scores["variant"] == "up") & (scores["seed"] > 2))]
    says = answer(replace(results, scores=kept))
    assert "3 of 5 seeds, 2 not scored, against 5" in says
    assert "Of 10 planned runs, 2 are not scored." in says


@pytest.mark.parametrize("min_effect", [0.1, 0])
def test_one_that_is_identical_to_the_bit_is_called_that_and_not_unresolved_too(
    min_effect: float,
) -> None:
    rows = {"up": around(0.02, 0.3, 5), "twin": [0.0] * 5}
    says = answer(planted(rows, min_effect=min_effect))
    assert "twin equals plain to the bit" in says
    assert "twin is unresolved" not in says


def test_seeds_that_are_lacking_are_named_by_contrast() -> None:
    two = planted({"a": rolled(0.12, 0.2, 5, 1), "b": rolled(-0.02, 0.2, 5, 2)})
    found = {c.variant: settles(c) for c in judgement(two).contrasts}
    assert found["a"] in answer(two)
    assert f"b (−0.02 dB; {found['b']}) is unresolved too" in answer(two)
    many = answer(planted({f"o{k}": rolled(0.02 * k, 0.3, 5, k) for k in range(10)}))
    assert "9 others are unresolved." in many
    assert "would settle them" not in many


def test_an_effect_below_min_effect_is_called_so() -> None:
    rows = {"up": around(0.06, 0.005, 5), "v": rolled(0.059, 0.001, 5, 1)}
    says = answer(planted(rows, min_effect=0.0605))
    assert "up raises PSNR-Y on photos by 0.060 dB" in says
    assert "less than the min_effect of 0.0605 dB" in says


def test_the_interval_of_a_rank_correlation_ends_at_1() -> None:
    reading = BySeed({0: 0.99, 1: 0.8, 2: 0.97}, bounds=(-1.0, 1.0))
    assert reading.interval[1] == 1.0
    assert "to 1 " in sentence(Finding("rank", "rank correlation", reading=reading)).replace(
        ",", " "
    )


def test_variants_that_all_help_are_told_apart_or_not() -> None:
    rows = {
        "up": rolled(0.5, 0.05, 5, 1),
        "v": rolled(0.48, 0.05, 5, 2),
        "w": rolled(0.2, 0.05, 5, 3),
    }
    pairs = (("up", "v"), ("up", "w"), ("v", "w"))
    says = answer(planted(rows, compare=pairs))
    assert "Among the variants, up is better than w (+0.30 dB, " in says
    assert "not distinguishable from v (+0.02 dB, " in says


def test_an_outlier_is_named_with_the_verdict_without_it() -> None:
    rows = {"up": [0.5, 0.54, -1.5, 0.49, 0.51], "v": rolled(0.48, 0.05, 5, 1)}
    [outlier] = [w for w in warnings(planted(rows)) if w.startswith("Outlier")]
    assert "seed 2 of up lies 2.01 dB below the mean of its other seeds" in outlier
    assert "without that run, up helps (it is unresolved)" in outlier
    assert not any("Outlier" in w for w in warnings(planted(FIVE)))
