"""The answer in words: numbers with interval and seeds, and honesty where they are missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from planted import FIVE, planted
from states import STATES, only
from synthetic_study import failed, study, with_runs

from srbench.analysis.answer import answer, warnings
from srbench.analysis.convergence import converged, plateaus, tolerance
from srbench.analysis.limits import cannot_tell
from srbench.report.effects import effects_shown
from srbench.report.markdown import effects_note


def test_the_answer_names_effect_interval_seeds_and_yardstick() -> None:
    said = answer(study())
    assert "residual_se raises PSNR-Y on photos by 3.30 dB against plain" in said
    assert (
        "(simultaneous 95 % interval 3.23 to 3.38; 3 seeds; p < 0.0001 after Holm over 3 contrasts)"
        in said
    )
    assert "for 4 % more parameters and MACs" in said
    assert "residual (+3.23 dB) and residual_atrous (+3.08 dB) help too" in said
    assert "above bicubic interpolation (33.60 dB)" in said


def test_fewer_than_three_seeds_give_numbers_and_no_verdict() -> None:
    for seeds in (1, 2):
        said = answer(study(seeds=seeds))
        assert "raises" not in said
        assert "too few for a verdict" in said
    assert "no interval" in answer(study(seeds=1))


def test_without_finished_runs_there_is_no_answer() -> None:
    assert answer(STATES["nothing started"]()).startswith("No answer yet: none of 12 runs")
    assert answer(STATES["all failed"]()).startswith("No answer: all 12 runs failed (diverged)")
    assert "the baseline plain has no scored run" in answer(STATES["no baseline"]())


def test_failed_and_missing_runs_are_counted_apart() -> None:
    broken = with_runs(study(), lambda row: failed(row) if row["run_id"] == 5 else row)
    assert "Of 12 planned runs, 1 failed (diverged)." in answer(broken)
    gone = with_runs(study(), only("residual", lambda row: None))
    assert "Of 12 planned runs, 3 are missing." in answer(gone)


def test_runs_that_collapsed_are_named() -> None:
    results = study({"plain": 0.0, "gan": -9.0})
    assert "flat colour" not in answer(results)
    ends = {("plain", s): 3.0 for s in range(3)} | {("gan", s): s - 1.5 for s in range(3)}
    told = results.curves.groupby(["variant", "seed"], as_index=False).last()
    told["name"] = "validate/psnr_above_flat"
    told["value"] = [ends[row.variant, row.seed] for row in told.itertuples()]
    curves = pd.concat([results.curves, told], ignore_index=True)
    said = answer(replace(results, curves=curves))
    assert "Ended below the score of one flat colour: gan in 2 of 3 runs." in said


def test_variants_that_are_all_worse_are_not_called_better() -> None:
    said = answer(study({"plain": 0.0, "a": -1.0, "b": -2.0}))
    assert said.startswith("No variant helps: the nearest, a, lowers PSNR-Y on photos by 0.98 dB")
    assert "b hurts too by 1.98 dB" in said


def test_an_unresolved_variant_is_not_said_to_help_nor_not_to() -> None:
    results = study({"plain": 0.0, "a": 0.004, "b": -2.0})
    vague = replace(results, facts=replace(results.facts, min_effect=None))
    assert answer(vague).startswith("No variant is shown to help: the nearest, a, is unresolved at")


def test_synthetic_and_unconverged_studies_are_labelled() -> None:
    assert warnings(study())[0].startswith("Synthetic:")
    rising = study(epochs=60)
    points = rising.curves
    moving = points["name"] == "validate/psnr_y"
    points.loc[moving, "value"] += 0.2 * points.loc[moving, "epoch"]
    assert warnings(rising)[1].startswith("Unconverged: 4 of 4 variants would still change by more")
    assert converged(rising) == "no: 4 of 4 variants still moving"


def test_a_gain_of_min_effect_is_what_a_curve_may_still_change() -> None:
    results = study()
    assert tolerance(replace(results, facts=replace(results.facts, min_effect=0.2))) == 0.2
    assert tolerance(replace(results, facts=replace(results.facts, min_effect=None))) == 0.05


def test_curves_that_scatter_too_much_are_counted_as_not_known() -> None:
    results = planted(FIVE)
    wild = results.curves["variant"] == "up"
    results.curves.loc[wild, "value"] *= 1 + 0.3 * np.random.default_rng(5).normal(size=wild.sum())
    assert plateaus(results)["up"].state == "not known"
    assert converged(results) == "shown for 4 of 5, 1 not known"
    assert any("Convergence: not known for 1 of 5 variants" in x for x in cannot_tell(results))


def test_a_short_curve_is_not_called_converged() -> None:
    assert converged(study(epochs=3)) == "not known"


def test_variants_that_are_all_below_interpolation_are_labelled_unconverged() -> None:
    short = study({"plain": -9.0, "residual": -8.0})
    assert any(
        said.startswith("Unconverged: no variant has reached bicubic interpolation")
        for said in warnings(short)
    )


def test_names_stay_text_in_markdown() -> None:
    note = effects_note(STATES["hostile names"]())
    assert "<script>" not in note
    columns = len(effects_shown(STATES["hostile names"]()).columns)
    rows = [line for line in note.splitlines() if line.startswith("| ")]
    assert [line.count(" | ") + 1 for line in rows] == [columns] * 4
