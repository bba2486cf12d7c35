"""Runs that end without a result: each is a row with its reason, and the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny

pytestmark = pytest.mark.slow

RISKY = tiny.STUDY.replace("seeds: 2", "seeds: 1").replace(
    "  residual: {skip: bilinear}\n",
    """\
  diverging: {train.optimizer: {sgd: {lr: 1.0e+9}}}
  stumbling: {train.loss: stumbling}
  deadly:    {train.loss: deadly}
  residual:  {skip: bilinear}
""",
)
METRIC = "metrics: [risky]\n"
STATES = "select variant, attempt, state, reason from v_runs where total_steps > 0 order by 1"


@pytest.fixture(scope="module")
def risky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study after two commands: in the first, two losses go wrong."""
    folder = tiny.lay_out(tmp_path_factory.mktemp("risky"), RISKY)
    tiny.plug_in(folder)
    (folder / "stumble").touch()
    (folder / "die").touch()
    (folder / "first.txt").write_text(tiny.srbench(folder, "run", "tiny.yaml", code=1))
    first = "\n".join(map(repr, tiny.rows(folder, STATES)))
    (folder / "first.rows").write_text(first)
    (folder / "stumble").unlink()
    (folder / "die").unlink()
    (folder / "second.txt").write_text(tiny.srbench(folder, "run", "tiny.yaml", code=1))
    return folder


def test_each_failure_is_a_row_with_its_reason_and_the_others_are_done(risky: Path) -> None:
    assert (risky / "first.rows").read_text().splitlines() == [
        "('deadly', 1, 'failed', 'lost')",
        "('diverging', 1, 'failed', 'diverged')",
        "('plain', 1, 'done', None)",
        "('residual', 1, 'done', None)",
        "('stumbling', 1, 'failed', 'error')",
    ]


def test_sound_runs_have_the_same_bits_beside_failing_ones(
    risky: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sound = tiny.finished(tmp_path_factory.getbasetemp())
    curves = (
        "select variant, name, step, value from v_curves where seed = 0 "
        "and variant in ('plain', 'residual') order by 1, 2, 3"
    )
    found = tiny.rows(risky, curves)
    assert len({variant for variant, *_ in found}) == 2
    assert found == tiny.rows(sound, curves)


def test_the_summary_says_what_failed_and_why(risky: Path) -> None:
    said = " ".join((risky / "first.txt").read_text().split())
    assert "diverging, seed 0 (diverged, the loss is not finite at step" in said
    assert "stumbled over the flag" in said
    assert "the worker process died 2 times in this run, last killed by signal 9" in said


def test_nothing_to_go_on_from_is_left_of_runs_that_have_ended(risky: Path) -> None:
    assert list((risky / "db" / "runs").rglob("*.checkpoint")) == []


def test_a_scoring_that_fails_is_said_in_a_line_and_by_the_exit_code(tmp_path: Path) -> None:
    once = tiny.STUDY.replace("seeds: 2", "seeds: 1").replace("  residual: {skip: bilinear}\n", "")
    folder = tiny.lay_out(tmp_path, once)
    tiny.srbench(folder, "run", "tiny.yaml")
    [weights] = (folder / "db" / "runs").rglob("weights.safetensors")
    kept = weights.read_bytes()
    weights.write_bytes(kept[:-1] + b"?")
    (folder / "tiny.yaml").write_text(once + "metrics: [sharpness]\n")
    said = tiny.srbench(folder, "run", "tiny.yaml", code=1)
    assert "could not be scored: " in said
    assert "weights.safetensors: was changed after the run: its SHA-256 differs" in said
    weights.write_bytes(kept)
    tiny.srbench(folder, "run", "tiny.yaml")
    assert tiny.rows(folder, "select count(*) from v_scores where metric = 'sharpness'") == [
        (2 * 3,)
    ]


def test_a_metric_that_fails_costs_its_scores_and_no_training(tmp_path: Path) -> None:
    """The others are stored; the next command takes what is missing, and trains nothing."""
    folder = tiny.lay_out(tmp_path, tiny.STUDY.replace("seeds: 2", "seeds: 1") + METRIC)
    tiny.plug_in(folder)
    (folder / "unscored").touch()
    said = tiny.srbench(folder, "run", "tiny.yaml", code=1)
    assert "plain, seed 0 is trained and stored, but could not be scored: risky on " in said
    assert tiny.rows(folder, "select distinct state, reason from runs") == [("done", None)]
    counted = "select metric, count(*) from v_scores group by 1 order by 1"
    assert tiny.rows(folder, counted) == [("psnr_y", 9)]
    trained = tiny.rows(folder, "select weights_sha256 from runs order by 1")
    (folder / "unscored").unlink()
    said = tiny.srbench(folder, "run", "tiny.yaml")
    assert "0 of 3 runs to do, 3 to score" in said
    assert tiny.rows(folder, "select weights_sha256 from runs order by 1") == trained
    assert tiny.rows(folder, counted) == [("psnr_y", 9), ("risky", 9)]


def test_a_divergence_names_its_step(risky: Path) -> None:
    [(steps, message)] = tiny.rows(
        risky, "select steps, message from runs where reason = 'diverged'"
    )
    assert f"not finite at step {steps} " in message
    assert 1 < steps <= 9


def test_accidents_are_tried_again_and_divergence_is_not(risky: Path) -> None:
    assert tiny.rows(risky, STATES) == [
        ("deadly", 2, "done", None),
        ("diverging", 1, "failed", "diverged"),
        ("plain", 1, "done", None),
        ("residual", 1, "done", None),
        ("stumbling", 2, "done", None),
    ]
    assert "2 of 6 runs to do" in (risky / "second.txt").read_text()


def test_failed_trials_say_why(risky: Path) -> None:
    with tiny.shown(risky) as study:
        found = {
            (t.params["variant"], t.user_attrs.get("state"), t.state.name) for t in study.trials
        }
    assert {("diverging", "failed: diverged", "FAIL"), ("deadly", "done", "COMPLETE")} <= found
    assert {state for *_, state in found} == {"FAIL", "COMPLETE"}
