"""Plans: written once, found again, sharing what they have in common."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from store_samples import PHOTOS, facts, finish_all, plan, provenance, training, url_of

from srbench.core.errors import UserError
from srbench.store import DatasetRecord, Image, Store, open_store
from srbench.store.engine import writing
from srbench.store.sql import ask


def rows(store: Store, table: str) -> int:
    return int(ask(store, f"SELECT count(*) FROM {table}")[1][0][0])


def test_planning_twice_is_planning_once(store: Store) -> None:
    first = store.plans.add(plan())
    tables = ("plans", "variants", "cells", "runs", "trainings", "images", "plan_datasets")
    before = [rows(store, table) for table in tables]
    assert store.plans.add(plan()) == first
    assert [rows(store, table) for table in tables] == before


def test_two_variants_of_one_training_share_a_run(store: Store) -> None:
    record = plan()
    twin = replace(record.variants[1], name="twin")
    number = store.plans.add(replace(record, variants=(*record.variants, twin)))
    assert store.queue.states(number) == {"queued": 4}
    finish_all(store, number)
    assert set(store.reading.results("demo").runs["variant"]) == {"plain", "se", "twin"}


def test_the_plan_chosen_last_is_the_latest(store: Store) -> None:
    old = store.plans.add(plan(seeds=(0, 1)))
    new = store.plans.add(plan(seeds=(0, 1, 2)))
    assert store.plans.latest("demo") == new
    store.plans.add(plan(seeds=(0, 1)))
    assert store.plans.latest("demo") == old
    store.plans.make_latest(new)
    assert store.plans.latest("demo") == new


def test_a_plan_is_found_by_its_shortcut(store: Store) -> None:
    record = plan()
    number = store.plans.add(record)
    assert store.plans.find(record.key) == number
    store.plans.add(replace(record, key="another"))
    assert (store.plans.find(record.key), store.plans.find("another")) == (None, number)


def test_planning_again_takes_the_newer_words_and_counts(store: Store) -> None:
    record = plan()
    store.plans.add(record)
    better = replace(training("plain"), macs_720p=1.0)
    words = record.facts | {"question": "Does it really?"}
    store.plans.add(replace(record, trainings=(better, training("se")), facts=words))
    results = store.reading.results("demo")
    assert results.facts.question == "Does it really?"
    assert results.variants["macs_720p"].tolist() == [1.0, 222.83e9]


def test_an_unknown_study_is_answered_with_the_nearest(store: Store) -> None:
    with pytest.raises(UserError, match="holds no studies"):
        store.plans.latest("demo")
    store.plans.add(plan("carn_atrous"))
    with pytest.raises(UserError, match=r"did you mean 'carn_atrous'\? \(known: carn_atrous\)"):
        store.plans.latest("carn_atrus")


def test_the_same_provenance_is_stored_once(store: Store) -> None:
    first = store.measurements.add_provenance(provenance())
    assert (
        store.measurements.add_provenance(provenance(versions={"numpy": "2.4", "torch": "2.11"}))
        == first
    )
    assert store.measurements.add_provenance(provenance()) == first
    assert store.measurements.add_provenance(provenance(git_dirty=None)) != first


@pytest.mark.slow
def test_a_password_is_not_stored_and_one_that_was_is_removed(store: Store) -> None:
    """Each row stays: numbers and other columns, and what tells it from the others."""
    for host in ("a", "b"):
        command = f"srbench run s.yaml --db 'postgresql://me:s3cret@{host}/x'"
        store.measurements.add_provenance(provenance(command=command))
    everything = "SELECT * FROM provenances ORDER BY id"
    stored = ask(store, everything)
    assert "s3cret" not in str(stored)
    with writing(store.engine) as connection:  # as a former version did
        former = "UPDATE provenances SET digest = id, command = replace(command, '***', 's3cret')"
        connection.execute(text(former))
    assert "s3cret" in str(ask(store, everything))
    open_store(url_of(store)).close()
    assert ask(store, everything) == stored


def test_a_plan_that_lacks_a_training_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="plan lacks"):
        store.plans.add(replace(plan(), trainings=()))
    assert rows(store, "plans") == 0


def test_names_that_no_database_takes_are_stored_all_the_same(store: Store) -> None:
    odd = (Image("a\udce9b\0c", 8, 8, "dd"), Image("=2+3'\";--", 8, 8, "ee"))
    store.plans.add(replace(plan(), datasets=(PHOTOS, DatasetRecord("odd", "odd", "eval", odd))))
    kept = ask(store, "SELECT name FROM images WHERE manifest = 'odd' ORDER BY position")[1]
    assert kept == [("a?b?c",), ("=2+3'\";--",)]


@pytest.mark.parametrize(
    ("option", "later"),
    [("--only se", ""), ("--seeds 2", "compare was none, is se with wide")],
)
def test_pairs_that_only_left_out_are_no_change_of_criteria(
    store: Store, option: str, later: str
) -> None:
    first = facts("demo", (0, 1), compare=[], overrides=[option])
    finish_all(store, store.plans.add(plan(digest="first", facts=first)))
    whole = facts("demo", (0, 1), compare=[["se", "wide"]], overrides=[])
    store.plans.add(plan(variants=("plain", "se", "wide"), facts=whole))
    assert store.reading.results("demo").facts.later == later
