"""Optuna's file: every run a trial, brought up to our rows by one function.

Costs 30 s: one study is trained, and twice a little more of it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import tiny
from optuna.artifacts import get_all_artifact_meta
from optuna.distributions import CategoricalDistribution
from optuna_dashboard._note import get_note_from_system_attrs

from srbench.run.mirror import Refresher, refresh
from srbench.run.records import record
from srbench.run.session import Request, plan_study, read_study
from srbench.store import Point, Store, open_store, this_process

pytestmark = pytest.mark.slow


@contextmanager
def store(folder: Path) -> Iterator[Store]:
    opened = open_store(folder / tiny.DB)
    yield opened
    opened.close()


def trials(folder: Path) -> list[dict[str, Any]]:
    """Everything of every trial but its times and numbers, sorted by run."""
    with tiny.shown(folder) as study:
        found = [
            {
                "run": trial.user_attrs["run"],
                "state": trial.state.name,
                "params": trial.params,
                "value": trial.value,
                "reports": trial.intermediate_values,
                "facts": trial.user_attrs,
                "artifacts": [
                    meta.filename for meta in get_all_artifact_meta(trial, storage=study._storage)
                ],
            }
            for trial in study.trials
        ]
    return sorted(found, key=lambda trial: (trial["run"], trial["state"]))


def refreshed(folder: Path) -> None:
    with store(folder) as opened:
        refresh(opened, "tiny")


def test_every_done_run_is_one_complete_trial(done: Path) -> None:
    runs = tiny.rows(done, "select run_id, variant, seed from v_runs order by run_id")
    found = [(t["run"], t["params"]["variant"], t["params"]["seed"]) for t in trials(done)]
    assert found == runs
    assert {t["state"] for t in trials(done)} == {"COMPLETE"}


def test_a_trial_has_the_score_the_costs_and_the_choices(done: Path) -> None:
    query = "select run_id, avg(value) from v_scores where metric = 'psnr_y' group by 1"
    means = dict(tiny.rows(done, query))
    for trial in trials(done):
        assert trial["value"] == pytest.approx(means[trial["run"]], rel=1e-12)
        assert {"parameters", "dead_parameters", "macs_720p", "state"} <= set(trial["facts"])
        assert any(key.startswith("ssim_y on ") for key in trial["facts"])
    skips = {t["params"]["variant"]: t["params"].get("skip") for t in trials(done)}
    assert skips == {"plain": "none", "residual": "bilinear", "bicubic": None}


def test_a_trial_reports_its_curve_on_validate(done: Path) -> None:
    query = "select run_id, epoch, value from v_curves where name = 'validate/psnr_y'"
    curves: dict[int, dict[int, float]] = {}
    for run, epoch, value in tiny.rows(done, query):
        curves.setdefault(run, {})[round(epoch)] = value
    assert {t["run"]: t["reports"] for t in trials(done) if t["reports"]} == curves


def test_every_trial_has_its_pictures(done: Path) -> None:
    assert [t["artifacts"] for t in trials(done)] == [["strip.png"]] * 5


def test_the_note_holds_question_and_effects_and_figures_are_there(done: Path) -> None:
    with tiny.shown(done) as study:
        system = study._storage.get_study_system_attrs(study._study_id)
        names = " ".join(system)
        note = get_note_from_system_attrs(system, None)["body"]
    assert "Does a bilinear residual help a tiny CARN?" in note
    assert "| residual |" in note
    assert all(figure in names for figure in ("forest", "curves", "quality_cost"))


def test_a_deleted_mirror_is_made_anew_the_same(copy: Path) -> None:
    before = trials(copy)
    (copy / "db" / "optuna.sqlite").unlink()
    shutil.rmtree(copy / "db" / "artifacts")
    refreshed(copy)
    assert trials(copy) == before


def test_nothing_is_written_where_nothing_has_changed(copy: Path) -> None:
    before = (copy / "db" / "optuna.sqlite").read_bytes()
    refreshed(copy)
    assert (copy / "db" / "optuna.sqlite").read_bytes() == before


def test_what_others_wrote_there_is_gone(copy: Path) -> None:
    before = trials(copy)
    with tiny.shown(copy) as study:
        study.ask({"variant": CategoricalDistribution(["plain", "residual", "bicubic"])})
    refreshed(copy)
    assert trials(copy) == before
    assert len(list((copy / "db" / "artifacts").iterdir())) == 5


def test_a_file_that_cannot_be_written_is_one_line_and_harms_nothing(copy: Path) -> None:
    (copy / "db" / "optuna.sqlite").write_bytes(b"no database at all, whatever its name says")
    lines: list[str] = []
    with store(copy) as opened:
        refresher = Refresher(opened, "tiny", lines.append)
        refresher.refresh()
        refresher.refresh()
    assert len(lines) == 1
    assert "results are safe" in lines[0]


SIGNALLED = """
import os, signal
from srbench.cli.main import main
from srbench.run import mirror
from srbench.run.optuna_file import OptunaFile

mirror.EVERY_S = 1e9  # so that the last refresh is the only one
write, left = OptunaFile._write, iter((True, True, False))

def writes(*given):
    if not next(left):
        os.kill(os.getpid(), signal.SIGTERM)
    write(*given)

OptunaFile._write = writes
main(["run", "tiny.yaml", "--seeds", "1", "--set", "train.epochs=1", "--workers", "1"])
"""


def test_a_signal_during_the_last_refresh_ends_it_and_the_next_one_completes_the_file(
    copy: Path,
) -> None:
    shown = tiny.ended(tiny.started(copy, sys.executable, "-c", SIGNALLED), 143)
    assert "Stopped" not in shown  # nothing was left to save
    assert tiny.rows(copy, "select distinct state from v_runs") == [("done",)]
    with tiny.shown(copy) as study:
        assert len(study.trials) < 3
    refreshed(copy)
    assert [t["state"] for t in trials(copy)] == ["COMPLETE"] * 3
    assert len(list((copy / "db" / "artifacts").iterdir())) == 3


def test_a_run_under_way_grows_and_ends_as_its_row_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.lay_out(tmp_path))
    request = Request(Path("tiny.yaml"), device="cpu")
    plan = plan_study(request, read_study(request), lambda name: None)
    with store(tmp_path) as opened:
        number = opened.plans.add(record(plan, "key", "tiny.yaml"))
        claim = opened.queue.claim(number, this_process())
        assert claim is not None
        shown = []
        for epoch in (1, 2):
            points = [Point("validate/psnr_y", 3 * epoch, epoch, 20.0 + epoch)]
            opened.measurements.write_points(claim, points, steps=3 * epoch)
            refreshed(tmp_path)
            shown += [(t["state"], t["reports"]) for t in trials(tmp_path)]
        opened.queue.interrupt(claim, 6)
        refreshed(tmp_path)
        shown += [(t["facts"]["state"], t["reports"]) for t in trials(tmp_path)]
        assert opened.queue.claim(number, replace(this_process(), pid=2**22 + 1)) is not None
        refreshed(tmp_path)
        shown += [(t["facts"]["state"], t["state"]) for t in trials(tmp_path)]  # of the dead
        again = opened.queue.claim(number, this_process())
        assert again is not None
        opened.queue.fail(again, "diverged", "the loss is not finite", steps=7)
        refreshed(tmp_path)
        [last] = trials(tmp_path)
    grown = {1: 21.0, 2: 22.0}
    assert shown == [
        ("RUNNING", {1: 21.0}), ("RUNNING", grown), ("interrupted at step 6", grown),
        ("interrupted at step 6", "FAIL"),
    ]  # fmt: skip
    assert (last["state"], last["facts"]["state"]) == ("FAIL", "failed: diverged")
    assert last["facts"]["message"] == "the loss is not finite"


def test_a_changed_study_is_mirrored_under_the_same_name(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy)
    added = tiny.STUDY + "  nearest_residual: {skip: nearest}\n"
    (copy / "tiny.yaml").write_text(added.replace("seeds: 2", "seeds: 1"))
    assert tiny.called("run", "tiny.yaml", "--workers", "1") == 0
    found = {(t["params"]["variant"], t["params"]["seed"], t["state"]) for t in trials(copy)}
    assert found == {
        (variant, 0, "COMPLETE") for variant in ("bicubic", "plain", "residual", "nearest_residual")
    }
    with tiny.shown(copy) as study:
        assert len(list((copy / "db" / "artifacts").iterdir())) == 4  # none of the former file
        assert [s.study_name for s in optuna.get_all_study_summaries(study._storage)] == ["tiny"]


def test_scores_of_a_new_evaluation_set_reach_the_trials(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy)
    tiny.save_crop("coffee", copy / "more" / "cup.png")
    added = tiny.STUDY.replace("eval: [", "eval: [{folder: {path: more}}, ")
    (copy / "tiny.yaml").write_text(added)
    assert tiny.called("run", "tiny.yaml", "--workers", "1") == 0
    found = trials(copy)
    assert [t["state"] for t in found] == ["COMPLETE"] * 5
    for trial in found:  # the new set stands first, so that it judges now
        [score] = [
            v for k, v in trial["facts"].items() if k.startswith("psnr_y on") and "more" in k
        ]
        assert trial["value"] == score


def test_a_refresh_that_takes_too_long_goes_on_with_the_next(copy: Path) -> None:
    """Leases wait meanwhile; at the end nothing is missing."""
    (copy / "db" / "optuna.sqlite").unlink(missing_ok=True)
    with store(copy) as opened:
        assert not refresh(opened, "tiny", limit_s=0.0)
        assert refresh(opened, "tiny")
