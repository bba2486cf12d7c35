"""Plans: written once, found again, sharing what they have in common."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_samples import PHOTOS, finish_all, plan, provenance, training

from srbench.core.errors import UserError
from srbench.store import DatasetRecord, ImageRecord, Store


def rows(store: Store, table: str) -> int:
    return int(store.sql(f"SELECT count(*) FROM {table}")[1][0][0])


def test_planning_twice_is_planning_once(store: Store) -> None:
    first = store.add_plan(plan())
    tables = ("plans", "variants", "cells", "runs", "trainings", "images", "plan_datasets")
    before = [rows(store, table) for table in tables]
    assert store.add_plan(plan()) == first
    assert [rows(store, table) for table in tables] == before


def test_every_variant_and_seed_is_queued_once(store: Store) -> None:
    number = store.add_plan(plan(variants=("plain", "se", "atrous"), seeds=(0, 1)))
    assert store.plan_states(number) == {"queued": 6}


def test_two_studies_share_the_runs_they_have_in_common(store: Store) -> None:
    finish_all(store, store.add_plan(plan("one", ("plain", "se"))))
    second = store.add_plan(plan("two", ("plain", "atrous")))
    assert store.plan_states(second) == {"done": 2, "queued": 2}


def test_two_variants_of_one_training_share_a_run(store: Store) -> None:
    record = plan()
    twin = replace(record.variants[1], name="twin")
    number = store.add_plan(replace(record, variants=(*record.variants, twin)))
    assert store.plan_states(number) == {"queued": 4}
    finish_all(store, number)
    assert set(store.results("demo").runs["variant"]) == {"plain", "se", "twin"}


def test_the_plan_chosen_last_is_the_latest(store: Store) -> None:
    old = store.add_plan(plan(seeds=(0, 1)))
    new = store.add_plan(plan(seeds=(0, 1, 2)))
    assert store.latest_plan("demo") == new
    store.add_plan(plan(seeds=(0, 1)))
    assert store.latest_plan("demo") == old
    store.make_latest(new)
    assert store.latest_plan("demo") == new


def test_a_plan_is_found_by_its_shortcut(store: Store) -> None:
    record = plan()
    number = store.add_plan(record)
    assert store.find_plan(record.key) == number
    store.add_plan(replace(record, key="another"))
    assert (store.find_plan(record.key), store.find_plan("another")) == (None, number)


def test_planning_again_takes_the_newer_words_and_counts(store: Store) -> None:
    record = plan()
    store.add_plan(record)
    better = replace(training("plain"), macs_720p=1.0)
    words = record.facts | {"question": "Does it really?"}
    store.add_plan(replace(record, trainings=(better, training("se")), facts=words))
    results = store.results("demo")
    assert results.facts.question == "Does it really?"
    assert results.variants["macs_720p"].tolist() == [1.0, 222.83e9]


def test_an_unknown_study_is_answered_with_the_nearest(store: Store) -> None:
    with pytest.raises(UserError, match="holds no studies"):
        store.latest_plan("demo")
    store.add_plan(plan("carn_atrous"))
    with pytest.raises(UserError, match=r"did you mean 'carn_atrous'\? \(known: carn_atrous\)"):
        store.latest_plan("carn_atrus")


def test_the_same_provenance_is_stored_once(store: Store) -> None:
    first = store.add_provenance(provenance())
    assert store.add_provenance(provenance(versions={"numpy": "2.4", "torch": "2.11"})) == first
    assert store.add_provenance(provenance()) == first
    assert store.add_provenance(provenance(git_dirty=None)) != first


def test_a_plan_that_lacks_a_training_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="plan lacks"):
        store.add_plan(replace(plan(), trainings=()))
    assert rows(store, "plans") == 0


def test_names_that_no_database_takes_are_stored_all_the_same(store: Store) -> None:
    odd = (ImageRecord("a\udce9b\0c", 8, 8, "dd"), ImageRecord("=2+3'\";--", 8, 8, "ee"))
    store.add_plan(replace(plan(), datasets=(PHOTOS, DatasetRecord("odd", "odd", "eval", odd))))
    kept = store.sql("SELECT name FROM images WHERE manifest = 'odd' ORDER BY position")[1]
    assert kept == [("a?b?c",), ("=2+3'\";--",)]


def test_work_begins_with_the_first_seed_of_every_variant(store: Store) -> None:
    store.add_plan(plan(variants=("plain", "se"), seeds=(7, 3)))
    query = "SELECT seed FROM cells ORDER BY position"
    assert [seed for (seed,) in store.sql(query)[1]] == [7, 7, 3, 3]
