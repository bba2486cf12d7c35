"""Searches, growing plans, and questions about runs: on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_samples import (
    METRICS,
    PHOTOS,
    claimed,
    digest,
    facts,
    finish_all,
    plan,
    training,
)

from srbench.analysis.published import Figure, Published
from srbench.core.errors import DatabaseError
from srbench.store import Candidate, Point, Proposal, Store, VariantRecord, this_process

ME = this_process("test")


def proposed(store: Store, number: int, name: str, place: int) -> bool:
    record = VariantRecord(f"trial {place}", "candidate", name, digest(name), (0,))
    made = Candidate(record, training(name))
    return store.trials.add(number, place, Proposal({"model": name}, {}, {"at": place}, made))


def test_a_trial_gets_the_number_that_its_proposer_expected(store: Store) -> None:
    number = store.plans.add(plan(seeds=(0,)))
    assert [proposed(store, number, "x", n) for n in (0, 0, 1)] == [True, False, True]
    rows = store.trials.read(number, ME)
    assert [(row.number, row.variant, row.noted) for row in rows] == [
        (0, "trial 0", {"at": 0}), (1, "trial 0", {"at": 1}),
    ]  # fmt: skip
    assert store.queue.states(number) == {"queued": 3}


def test_a_pruned_trial_shows_its_points_and_a_later_plan_resumes_its_run(store: Store) -> None:
    number = store.plans.add(plan(variants=("plain",), seeds=(0,)))
    proposed(store, number, "x", 0)
    claimed(store, number)
    lease = claimed(store, number)
    assert not lease.judged
    store.measurements.write_points(lease, [Point("validate/psnr_y", 20, 1.0, 30.5)])
    store.trials.prune(number, lease, 1, "worse than the median", steps=20, seconds=2.0)
    [row] = store.trials.read(number, ME)
    assert (row.pruned_at, row.message) == (1, "worse than the median")
    assert (row.runs[0].state, row.runs[0].points) == ("pruned", {"psnr_y": {1: 30.5}})
    later = store.plans.add(plan("later", ("x",), (0,)))
    assert (claimed(store, later).run, store.queue.pruned(later)) == (lease.run, 0)


def test_a_trial_that_is_given_up_keeps_its_runs_and_first_reason(store: Store) -> None:
    number = store.plans.add(plan(variants=("plain",), seeds=(0,)))
    proposed(store, number, "x", 0)
    store.trials.add_seed(number, "trial 0", 1)
    store.trials.note(number, 0, {"sampler": [1, 2]})
    for why in ("first", "second"):
        store.trials.give_up(number, 0, 1, why)
    [row] = store.trials.read(number, ME)
    assert (row.message, row.noted) == ("first", {"sampler": [1, 2]})
    assert [(run.seed, run.state) for run in row.runs] == [(0, "queued"), (1, "queued")]


def test_a_search_is_confirmed_by_variants_and_found_by_later_plans(store: Store) -> None:
    searched = plan(facts=facts("demo", (0, 1), search={"seeds": [0]}))
    number = store.plans.add(searched)
    proposed(store, number, "x", 0)
    assert store.trials.unconfirmed(number)
    best = VariantRecord("best_1", "variant", "x", digest("x"), (7, 8))
    assert [store.plans.add_variants(number, [best]) for _ in range(2)] == [1, 0]
    assert not store.trials.unconfirmed(number)
    other = store.plans.add(plan(seeds=(0,)))
    assert (store.trials.former_plan(other), store.trials.former_plan(number)) == (number, None)


def test_seeds_are_added_round_by_round_and_once(store: Store) -> None:
    number = store.plans.add(plan(seeds=(0,), facts=facts("demo", (0,), looks=[1, 3])))
    assert store.plans.planned_looks(number) == (1, 3)
    assert [store.plans.add_seeds(number, {"plain": 3, "se": 2}) for _ in range(2)] == [3, 0]
    order = [claimed(store, number) for _ in range(5)]
    assert [(lease.variants[0], lease.seed) for lease in order] == [
        ("plain", 0), ("se", 0), ("plain", 1), ("se", 1), ("plain", 2),
    ]  # fmt: skip


def test_former_trainings_have_the_seeds_with_every_wanted_score(store: Store) -> None:
    finish_all(store, store.plans.add(plan()))
    numerics = training("plain").numerics
    wanted = {(PHOTOS.manifest, "sr-y-v1", metric) for metric in METRICS}
    found = store.runs.formers(2, numerics, wanted)
    assert {(one.training.fingerprint, one.seeds, one.done) for one in found} == {
        (digest(name), frozenset({0, 1}), 2) for name in ("plain", "se")
    }
    more = store.runs.formers(2, numerics, wanted | {(PHOTOS.manifest, "sr-y-v1", "lpips")})
    assert {(one.seeds, one.done) for one in more} == {(frozenset(), 2)}
    assert store.runs.sources({digest("plain"), "unknown"}) == {digest("plain"): ("5eed", 1)}


def test_published_figures_of_a_source_are_replaced_and_need_a_study(store: Store) -> None:
    figure = Figure("se", "psnr_y", "Set5", None, 37.76, "dB")
    with pytest.raises(DatabaseError, match="unknown"):
        store.published.write("demo", Published("Ahn, 2018", (), (figure,)))
    store.published.expect_study("demo")
    for value in (37.0, 38.0):
        figures = (replace(figure, value=value), replace(figure, variant="plain"))
        assert store.published.write("demo", Published("Ahn, 2018", (), figures)) == 2
    store.plans.add(plan())
    published = store.reading.results("demo").published
    assert published["value"].tolist() == [38.0, 37.76]
