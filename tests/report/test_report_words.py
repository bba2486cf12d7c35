"""The answer in words: numbers with interval and seeds, and honesty where they are wanting."""

from __future__ import annotations

from states import STATES, only
from synthetic_study import failed, study, with_runs

from srbench.report.markdown import effects_note
from srbench.report.words import answer


def test_the_answer_names_effect_interval_seeds_and_yardstick() -> None:
    said = answer(study())
    assert "residual_se raises PSNR-Y on photos by 3.30 dB against plain" in said
    assert "(95 % interval 3.19 to 3.41, 3 seeds)" in said
    assert "above bicubic interpolation (33.60 dB)" in said


def test_fewer_than_three_seeds_give_numbers_and_no_conclusion() -> None:
    for seeds in (1, 2):
        said = answer(study(seeds=seeds))
        assert "raises" not in said
        assert "too few for a conclusion" in said
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


def test_variants_that_are_all_worse_are_not_called_better() -> None:
    said = answer(study({"plain": 0.0, "a": -1.0, "b": -2.0}))
    assert said.startswith("Every variant scores worse than plain: the nearest, a, is at")


def test_an_interval_over_zero_is_said_to_include_zero() -> None:
    assert "its interval includes zero" in answer(study({"plain": 0.0, "a": 0.004}))


def test_synthetic_and_unconverged_studies_are_labelled() -> None:
    assert "Synthetic:" in answer(study())
    rising = study(epochs=30)
    points = rising.curves
    moving = points["name"] == "validate/psnr_y"
    points.loc[moving, "value"] += 0.2 * points.loc[moving, "epoch"]
    assert "Unconverged: 4 of 4 variants" in answer(rising)


def test_variants_that_are_all_below_interpolation_are_labelled_unconverged() -> None:
    short = study({"plain": -9.0, "residual": -8.0})
    assert "Unconverged: no variant has reached bicubic interpolation" in answer(short)


def test_names_stay_text_in_markdown() -> None:
    note = effects_note(STATES["hostile names"]())
    assert "<script>" not in note
    assert all(line.count(" | ") == 11 for line in note.splitlines() if line.startswith("| "))


def test_every_state_has_an_answer(any_state: object) -> None:
    assert answer(any_state).endswith(".")  # type: ignore[arg-type]
