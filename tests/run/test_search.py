"""Whole searches, small ones: real commands, real processes, real kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import tiny

from srbench.store import open_store

pytestmark = pytest.mark.slow

SEARCH = (
    tiny.STUDY.partition("variants:")[0]
    + """\
tune:
  space:
    skip: [none, bilinear, bicubic]
    train.optimizer.lr: {low: 5.0e-4, high: 2.0e-2, log: true}
    attention: [none, se]
    attention.reduction: [2, 4]
  sampler: {tpe: {startup: 4}}
  budget: 8 trials
  confirm: 2
"""
)
TRIALS = (
    "select t.number, t.parameters, r.state, r.steps, p.value from trials t "
    "join variants v on v.id = t.variant_id join cells c on c.variant_id = v.id "
    "join runs r on r.fingerprint = v.fingerprint and r.seed = c.seed "
    "left join curves on curves.run_id = r.id and curves.name = 'validate/psnr_y' "
    "left join points p on p.curve_id = curves.id and p.step = r.steps order by 1"
)


def laid_out(folder: Path, *changes: tuple[str, str]) -> Path:
    text = SEARCH
    for was, becomes in changes:
        assert was in text
        text = text.replace(was, becomes)
    return tiny.lay_out(folder, text)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search run to its end; for reading only."""
    folder = laid_out(tmp_path_factory.mktemp("search"))
    (folder / "said.txt").write_text(tiny.srbench(folder, "run", "tiny.yaml", "--workers", "1"))
    return folder


def test_the_best_are_confirmed_on_seeds_that_the_search_never_saw(done: Path) -> None:
    searched, confirmed = (
        {
            seed
            for (seed,) in tiny.rows(done, f"select distinct seed from v_runs where role {which}")
        }
        for which in ("= 'candidate'", "in ('variant', 'baseline')")
    )
    assert (searched, confirmed) == ({0}, {1, 2})
    best = "select distinct variant from v_runs where role = 'variant' order by 1"
    assert tiny.rows(done, best) == [("best_1",), ("best_2",)]


def test_a_search_reads_nothing_but_validate(done: Path) -> None:
    scored = "select count(*) from scores join v_runs using (run_id) where role = 'candidate'"
    assert tiny.rows(done, scored) == [(0,)]
    assert tiny.rows(done, scored.replace("candidate", "variant")) == [(2 * 2 * 3 * 5,)]  # metrics


def test_candidates_are_no_part_of_the_results_that_verdicts_rest_on(done: Path) -> None:
    store = open_store(done / tiny.DB)
    results = store.reading.results("tiny")
    store.close()
    assert set(results.variants["role"]) == {"baseline", "variant", "interpolation"}
    for frame in (results.runs, results.curves, results.scores):
        assert not frame["variant"].str.startswith("trial").any()


def test_what_is_confirmed_is_what_was_best_on_validate(done: Path) -> None:
    rows = tiny.rows(done, TRIALS)
    assert len(rows) == 8
    [(change,)] = tiny.rows(done, "select distinct change from variants where name = 'best_1'")
    assert change.endswith(f"(trial {max(rows, key=lambda row: row[4])[0]})")


def test_the_same_command_does_nothing_more(done: Path) -> None:
    before = tiny.rows(done, "select count(*), max(fence) from runs")
    assert "to do" not in tiny.srbench(done, "run", "tiny.yaml", "--workers", "1")
    assert tiny.rows(done, "select count(*), max(fence) from runs") == before


def test_optuna_shows_the_search_and_beside_it_the_confirmation(done: Path) -> None:
    rows = tiny.rows(done, TRIALS)
    with tiny.shown(done) as search:
        assert [t.value for t in search.trials] == pytest.approx([row[4] for row in rows])
        assert all(len(t.intermediate_values) == 3 for t in search.trials)
        assert isinstance(search.trials[0].distributions["train.optimizer.lr"].high, float)
    with tiny.shown(done, "tiny, confirmation") as runs:
        assert len(runs.trials) == 2 + 2 * 2 + 1


def test_candidates_come_out_again_to_the_last_bit(done: Path) -> None:
    said = tiny.srbench(done, "reproduce", "99")
    assert "14 of 14 identical" in said


def test_a_search_that_is_killed_twice_comes_out_the_same(done: Path, tmp_path: Path) -> None:
    folder = laid_out(tmp_path)
    for trials in (2, 5):
        process = tiny.start(folder, "run", "tiny.yaml", "--workers", "1")
        query = "select count(*) from v_runs where role = 'candidate' and state = 'done'"
        tiny.wait_for(
            lambda n=trials, q=query: is_there(folder) and tiny.rows(folder, q)[0][0] >= n
        )
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    tiny.srbench(folder, "run", "tiny.yaml", "--workers", "1")
    assert tiny.rows(folder, TRIALS) == tiny.rows(done, TRIALS)
    scores = "select variant, seed, metric, value from v_scores order by 1, 2, 3, image"
    assert tiny.rows(folder, scores) == tiny.rows(done, scores)


def is_there(folder: Path) -> bool:
    """Whether the database has its tables."""
    if not (folder / tiny.DB).exists():
        return False
    return bool(tiny.rows(folder, "select count(*) from sqlite_schema where name = 'v_runs'")[0][0])


def test_a_space_that_has_grown_begins_with_what_is_known(done: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(done, tmp_path / "grown")
    laid_out(folder, ("[none, bilinear, bicubic]", "[none, bilinear, bicubic, nearest]"),
             ("8 trials", "10 trials"))  # fmt: skip
    said = tiny.srbench(folder, "run", "tiny.yaml", "--workers", "1")
    assert "8 trials of an earlier search of this study are taken over" in said
    count = "select count(*), max(fence) from runs r where exists (select 1 from variants v where "
    count += "v.role = 'candidate' and v.fingerprint = r.fingerprint and r.seed = 0)"
    assert tiny.rows(folder, count) == [(10, 1)]
    assert len(tiny.rows(folder, "select 1 from trials where plan_id = 2")) == 10


def test_a_repeat_is_told_from_the_row_and_a_whole_space_ends_the_search(tmp_path: Path) -> None:
    folder = laid_out(
        tmp_path,
        ("    train.optimizer.lr: {low: 5.0e-4, high: 2.0e-2, log: true}\n", ""),
        ("    attention: [none, se]\n    attention.reduction: [2, 4]\n", ""),
        ("{tpe: {startup: 4}}", "random"),
        ("confirm: 2", "confirm: 1"),
    )
    said = tiny.srbench(folder, "run", "tiny.yaml", "--workers", "1")
    assert "every point of the space was tried (3 complete" in said
    asked = "select count(*), count(distinct variant_id) from trials"
    [(trials, candidates)] = tiny.rows(folder, asked)
    assert trials > candidates == 3


def test_what_is_pruned_never_enters_effects_but_may_be_taken_up_again(tmp_path: Path) -> None:
    folder = laid_out(
        tmp_path,
        ("epochs: 3,", "epochs: 9,"), ("validations: 3", "validations: 9"),
        ("{tpe: {startup: 4}}", "random\n  pruner: {successive_halving: {reduction: 2}}"),
    )  # fmt: skip
    tiny.srbench(folder, "run", "tiny.yaml", "--workers", "1")
    states = dict(tiny.rows(folder, "select state, count(*) from v_runs group by 1"))
    assert states["pruned"] >= 2
    pruned = (
        "select r.steps, t.pruned_at, r.message from runs r join variants v using (fingerprint)"
    )
    pruned += " join trials t on t.variant_id = v.id where r.state = 'pruned'"
    for steps, epoch, message in tiny.rows(folder, pruned):
        assert 3 * epoch <= steps < 27
        assert message == f"successive_halving at epoch {epoch}"
    number = tiny.rows(folder, "select t.parameters from trials t where pruned_at > 0 limit 1")
    plain = (
        (folder / "tiny.yaml").read_text().partition("tune:")[0].replace("seeds: 2", "seeds: [0]")
    )
    (folder / "fixed.yaml").write_text(f"{plain}variants: {{plain: {{}}, again: {number[0][0]}}}\n")
    assert "continues at step" in tiny.srbench(folder, "run", "fixed.yaml", "--workers", "1")


def test_four_processes_share_a_search_and_train_no_cell_twice(tmp_path: Path) -> None:
    folder = laid_out(tmp_path, ("8 trials", "16 trials"))
    processes = [tiny.start(folder, "run", "tiny.yaml", "--workers", "1") for _ in range(4)]
    for process in processes:
        tiny.ended(process, 0)
    assert tiny.rows(folder, "select max(fence), count(*) from runs where state != 'done'") == [
        (None, 0)
    ]
    assert tiny.rows(folder, "select max(fence) from runs") == [(1,)]
    assert len(tiny.rows(folder, TRIALS)) == 16
    hosts = tiny.rows(folder, "select count(distinct owner_pid) from runs")
    assert hosts[0][0] >= 2


def test_candidates_are_timed_before_they_are_trained(tmp_path: Path) -> None:
    timed = (
        ("    skip: [none, bilinear, bicubic]\n", "    channels: [4, 64]\n"),
        ("    train.optimizer.lr: {low: 5.0e-4, high: 2.0e-2, log: true}\n", ""),
        ("    attention: [none, se]\n    attention.reduction: [2, 4]\n", ""),
        ("{tpe: {startup: 4}}", "grid\n  objective: [psnr_y, latency]"),
        ("confirm: 2", "confirm: 1\n  constraints: latency <= 2 x baseline"),
    )
    folder = laid_out(tmp_path, *timed)
    tiny.srbench(folder, "run", "tiny.yaml", "--workers", "1")
    store = open_store(folder / tiny.DB)
    results = store.reading.results("tiny")
    store.close()
    states = dict(zip(results.trials["point"], results.trials["state"], strict=True))
    assert states == {'{"channels": 4}': "complete", '{"channels": 64}': "infeasible"}
    taken = "select n.name, n.copy, count(*) >= 20 from latency_networks n"
    taken += " join latency_samples using (pass_id, subject, copy) group by 1, 2 order by 1, 2"
    assert tiny.rows(folder, taken) == [("base", 0, 1), ("base", 1, 1), ("trial 1", 0, 1)]
    whole = results.trials[results.trials["state"] == "complete"]
    assert json.loads(whole["values"].iloc[0])[1] == 1  # the baseline's own network
    (said,) = results.trials.loc[results.trials["state"] == "infeasible", "message"]
    assert said.startswith("not trained: latency <= 2 x baseline is broken by ")
