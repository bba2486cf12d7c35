"""Searches whose values follow a rule, so that only what is asked and told costs time."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import tiny
from planted_search import planted

from srbench.analysis.history import TrialRow, tried
from srbench.core.device_locks import SharedLock
from srbench.run.search import Searcher
from srbench.run.session import Request, plan_study, read_study
from srbench.store import Lease, Proposal, Store, this_process
from srbench.store.sql import ask

PRUNER = "pruner: {successive_halving: {epochs: 3, reduction: 2}}"
SMALL = (
    ("    train.optimizer.lr: {low: 5.0e-4, high: 2.0e-2, log: true}\n", ""),
    ("    activation: [relu, leaky_relu, prelu, gelu]\n", ""),
    ("    attention: [none, se]\n    attention.reduction: [2, 4]\n", ""),
    ("sampler: random", "sampler: grid"),
)


def states(store: Store) -> list[tuple[str, int]]:
    """State and number of runs of each trial."""
    facts = store.reading.results("tiny", curves="none").facts
    rows = store.trials.read(store.plans.latest("tiny"), this_process())
    assert facts.search is not None
    return [(t.state, len(t.runs)) for t in tried(rows, facts.search, facts.epochs)]


def test_over_seeds_what_is_worse_ends_early_and_the_rest_has_them_all(tmp_path: Path) -> None:
    best_first = ("[none, nearest, bilinear, bicubic]", "[bilinear, none, nearest, bicubic]")
    pruner = (PRUNER, "pruner: wilcoxon\n  seeds: 6")
    store = planted(tmp_path, 4, *SMALL, pruner, best_first)
    assert states(store) == [("complete", 6), ("pruned", 4), ("pruned", 4), ("pruned", 4)]
    confirmed = ask(store, "select distinct seed from v_runs where variant = 'best_1'")[1]
    assert confirmed == [(6,), (7,)]
    store.close()


def test_what_breaks_a_constraint_is_told_without_being_trained(tmp_path: Path) -> None:
    bound = "constraints: macs <= 1.5 x baseline\n  sampler: grid"
    wider = "    skip: [none, bilinear]\n    channels: [4, 8]\n"
    skip = ("    skip: [none, nearest, bilinear, bicubic]\n", wider)
    store = planted(tmp_path, 9, *SMALL[:3], ("sampler: random", bound), skip)
    assert [state for state, _ in states(store)].count("infeasible") == 2
    said = ask(store, "select message from trials where variant_id is null")[1]
    assert all("macs <= 1.5 x baseline is broken by" in text for (text,) in said)
    store.close()


def test_a_run_that_failed_by_accident_is_tried_again(tmp_path: Path) -> None:
    store = planted(tmp_path, 4, *SMALL, (PRUNER, "pruner: none"))
    plan = store.plans.latest("tiny")
    store.engine.dispose()
    lost = "update runs set state = 'failed', reason = 'lost' where id in (select r.id from runs r"
    lost += (
        " join variants v using (fingerprint) where v.role = 'candidate' and r.seed = 0 limit 1)"
    )
    tiny.changed(tmp_path, lost)
    assert [state for state, _ in states(store)].count("failed") == 1
    assert store.queue.retry_failed(plan) == 1
    assert [state for state, _ in states(store)].count("running") == 1
    store.close()


def test_of_two_who_ask_at_once_one_asks_again(tmp_path: Path) -> None:
    store = planted(tmp_path, 4, *SMALL, (PRUNER, "pruner: none"))
    plan = store.plans.latest("tiny")
    proposal = Proposal({"skip": "none"}, {}, {}, message="as a test")
    assert [store.trials.add(plan, n, proposal) for n in (4, 4, 5)] == [True, False, True]
    store.close()


def claim_of(row: TrialRow) -> Lease:
    run = row.runs[0]
    return Lease(run.run, str(row.fingerprint), 0, 1, 1, (str(row.variant),), 0, judged=False)


def test_another_process_trains_what_this_one_proposed(tmp_path: Path) -> None:
    store = planted(tmp_path, 4, *SMALL, (PRUNER, "pruner: none"))
    with chdir(tmp_path):
        request = Request(Path("tiny.yaml"), device="cpu")
        plan = plan_study(request, read_study(request), lambda name: None)
        again = Searcher(
            plan, store.plans.latest("tiny"), store, lambda text: None, SharedLock(["cpu"])
        )
        row = store.trials.read(again.number, again.me)[2]
        planned = again.planned(claim_of(row))
    assert planned.fingerprint == row.fingerprint
    assert planned.variant.change == "skip: bilinear"
    store.close()
