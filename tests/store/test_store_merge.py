"""Two databases become one: nothing lost, nothing twice, and whole or not at all."""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from store_samples import (
    ELSEWHERE,
    claimed,
    database,
    digest,
    doctored,
    finish_all,
    outcome,
    plan,
    scores,
    training,
)
from test_store_latency import taken

from srbench.analysis.published import Figure, Published
from srbench.cli.main import main
from srbench.core.errors import UserError
from srbench.store import Look, Point, Store, VariantRecord, open_store, this_process
from srbench.store.engine import reading, writing
from srbench.store.merge import merge
from srbench.store.table_base import table_of
from srbench.store.tables import Base, Run
from srbench.store.values import Candidate, Proposal

LINKS = {  # column -> the table that its numbers are of
    column.name: link.column.table.name
    for table in Base.metadata.sorted_tables
    for column in table.columns
    for link in column.foreign_keys
    if link.column.name == "id"
}
OWN = ("id", "turn", "fence", "lease_until")  # of one database, besides moments and owners


def tables(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    found = {}
    with reading(store.engine) as connection:
        for table in Base.metadata.sorted_tables:
            rows = connection.execute(select(table).order_by(*table.primary_key.columns))
            found[table.name] = [dict(row) for row in rows.mappings()]
    return found


def content(store: Store) -> dict[str, list[str]]:
    """Every row with the content of the rows it links to in place of their numbers."""
    found = tables(store)
    named: dict[str, dict[int, str]] = {}

    def shown(row: dict[str, Any]) -> str:
        plain = {
            name: named[LINKS[name]][value] if name in LINKS and value is not None else value
            for name, value in row.items()
            if name not in OWN and not name.endswith("_at") and not name.startswith("owner_")
        }
        return repr(sorted(plain.items()))

    for name, rows in found.items():  # what is linked to comes first
        named[name] = {row["id"]: shown(row) for row in rows if "id" in row}
    return {name: sorted(map(shown, rows)) for name, rows in found.items()}


@pytest.fixture
def other(tmp_path: Path, empty: str) -> Callable[[str], Store]:
    """Makes further stores, each in a folder of its own."""

    def make(name: str) -> Store:
        (tmp_path / name).mkdir()
        shutil.copy(empty, database(tmp_path / name))
        return open_store(database(tmp_path / name))

    return make


def merged(store: Store, other: Store) -> Any:
    return merge(store, database(other.root))


def finish_first(store: Store, number: int, count: int) -> None:
    for _ in range(count):
        claim = claimed(store, number)
        store.measurements.write_points(
            claim, [Point("loss", step, step / 20, 1 / step) for step in (20, 40)]
        )
        store.measurements.finish(claim, outcome(store, claim, value=30.0 + claim.run / 100))


def finish_rest(store: Store, number: int, count: int) -> None:
    """Leave the first `count` runs queued."""
    held = [claimed(store, number, ELSEWHERE) for _ in range(count)]
    finish_all(store, number)
    for claim in held:
        store.queue.interrupt(claim, 0)
    with writing(store.engine) as connection:
        connection.execute(text("update runs set state = 'queued' where state = 'interrupted'"))


def test_two_halves_are_the_whole_row_for_row(store: Store, other: Callable[[str], Store]) -> None:
    whole, half = other("whole"), other("half")
    finish_all(whole, whole.plans.add(plan(seeds=(0, 1, 2))))
    finish_first(store, store.plans.add(plan(seeds=(0, 1, 2))), 2)
    finish_rest(half, half.plans.add(plan(seeds=(0, 1, 2))), 2)
    found = merged(store, half)
    assert (found.finished, found.new, found.same, found.apart) == (4, 0, 0, 0)
    assert content(store) == content(whole)


@pytest.mark.slow
def test_a_server_is_merged_into_a_new_file_and_back(
    postgres: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, file = open_store(postgres), database(tmp_path / "new")
    finish_all(server, server.plans.add(plan()))
    found = {}
    for source, target in ((postgres, file), (file, postgres)):
        with pytest.raises(SystemExit) as ended:
            main(["merge", source, "--db", target])
        assert not ended.value.code
        found[target] = capsys.readouterr().out
    assert "4 new runs, 0 queued here and done there, 0 in both; 1 new plan" in found[file]
    assert "0 new runs, 0 queued here and done there, 4 in both; 0 new plans" in found[postgres]
    assert content(server) == content(open_store(file))
    with pytest.raises(UserError, match="this database itself"):
        merge(server, postgres)
    server.close()


def test_variants_that_were_run_apart_are_together(
    store: Store, other: Callable[[str], Store]
) -> None:
    whole, half = other("whole"), other("half")
    for one, variants in ((store, ("plain", "se")), (half, ("plain", "scse"))):
        finish_all(one, one.plans.add(plan(variants=variants)))
    merged(store, half)
    number = store.plans.add(plan(variants=("plain", "se", "scse")))
    assert store.queue.states(number) == {"done": 6}
    for variants in (("plain", "se"), ("plain", "scse"), ("plain", "se", "scse")):
        finish_all(whole, whole.plans.add(plan(variants=variants)))
    kept = ("trainings", "variants", "cells", "plans", "images", "plan_datasets")
    assert all(content(store)[name] == content(whole)[name] for name in kept)


def test_a_second_merge_changes_nothing(store: Store, other: Callable[[str], Store]) -> None:
    half = other("half")
    finish_first(half, half.plans.add(plan()), 2)
    half.queue.interrupt(claimed(half, 1), 7)
    merged(store, half)
    before = tables(store)
    found = merged(store, half)
    assert (found.new, found.finished, found.same, found.plans, found.scores) == (0, 0, 2, 0, 0)
    assert tables(store) == before


def test_a_study_comes_with_looks_figures_latency_and_every_plan(
    store: Store, other: Callable[[str], Store]
) -> None:
    there = other("there")
    finish_all(there, there.plans.add(plan(seeds=(0,))))
    number = there.plans.add(plan())
    finish_all(there, number)
    look = Look(2, 2, 0.1, -0.1, 0.3, 0.2, 0.01, math.nan, 0.02, "unresolved")
    there.measurements.write_looks(number, {"se": [look]})
    figure = Figure("se", "psnr_y", "Set5", None, 37.76, "dB")
    there.published.write("demo", Published("Ahn, 2018", (), (figure,)))
    there.measurements.write_latency(*taken(there, "plain", "se"))
    merged(store, there)
    merged(store, there)
    assert content(store) == content(there)
    assert len(tables(store)["latency_samples"]) == 9
    assert store.reading.results("demo").facts.seeds == (0, 1)


def test_a_study_that_is_known_keeps_its_latest_plan(
    store: Store, other: Callable[[str], Store]
) -> None:
    there = other("there")
    there.plans.add(plan(seeds=(0,)))
    there.plans.add(plan(seeds=(0, 1, 2)))
    mine = store.plans.add(plan())
    merged(store, there)
    assert store.plans.latest("demo") == mine
    turns = [row["turn"] for row in tables(store)["plans"]]
    assert len(set(turns)) == 3


def test_scores_that_only_the_other_took_come_to_the_same_run(
    store: Store, other: Callable[[str], Store]
) -> None:
    there = other("there")
    for one in (store, there):
        finish_all(one, one.plans.add(plan()))
    with writing(store.engine) as connection:
        connection.execute(text("delete from scores where metric = 'ssim_y'"))
    found = merged(store, there)
    assert (found.same, found.scores) == (4, 8)
    assert content(store) == content(there)


def test_another_result_of_the_same_run_is_kept_and_does_not_count(
    store: Store, other: Callable[[str], Store]
) -> None:
    there = other("there")
    for one, sha256, value in ((store, "aaaa", 30.0), (there, "bbbb", 31.0)):
        number = one.plans.add(plan(variants=("plain",), seeds=(0,)))
        claim = claimed(one, number)
        changed = {"weights_sha256": sha256, "scores": scores(value)}
        one.measurements.finish(claim, outcome(one, claim, **changed))
    assert [merged(store, there).apart, merged(store, there).apart] == [1, 0]
    attempts = {row["attempt"]: row["weights_sha256"] for row in tables(store)["runs"]}
    assert attempts == {1: "aaaa", 0: "bbbb"}
    assert set(store.reading.results("demo").scores["value"]) == {30.0}


def test_what_failed_here_and_was_done_there_is_done(
    store: Store, other: Callable[[str], Store]
) -> None:
    there = other("there")
    number = store.plans.add(plan(variants=("plain",), seeds=(0,)))
    store.queue.fail(claimed(store, number), "oom", "no memory", steps=3)
    finish_all(there, there.plans.add(plan(variants=("plain",), seeds=(0,))))
    assert merged(store, there).new == 1
    assert store.queue.states(number) == {"done": 1}
    assert sorted(row["state"] for row in tables(store)["runs"]) == ["done", "failed"]


def test_a_run_under_way_there_waits_here(store: Store, other: Callable[[str], Store]) -> None:
    there = other("there")
    number = there.plans.add(plan(variants=("plain",), seeds=(0,)))
    there.measurements.write_points(claimed(there, number), [], steps=7)
    merged(store, there)
    [run] = tables(store)["runs"]
    assert (run["state"], run["steps"], run["lease_until"]) == ("interrupted", 7, None)
    assert store.queue.claimable(store.plans.latest("demo")) == 1


def test_a_database_in_use_is_left_alone(store: Store, other: Callable[[str], Store]) -> None:
    there = other("there")
    number = store.plans.add(plan())
    store.queue.claim(number, this_process("busy"))
    before = tables(store)
    with pytest.raises(UserError, match="1 run is being trained into this database"):
        merged(store, there)
    assert tables(store) == before


def test_two_searches_of_one_plan_are_one_search(
    store: Store, other: Callable[[str], Store]
) -> None:
    there = other("there")
    for one, names in ((store, ("x", "y")), (there, ("y", "z"))):
        number = one.plans.add(plan())
        for place, name in enumerate(names):
            record = VariantRecord(f"trial {place}", "candidate", name, digest(name), (0,))
            made = Candidate(record, training(name))
            assert one.trials.add(number, place, Proposal({"model": name}, {}, {}, made))
    merged(store, there)
    merged(store, there)
    found = tables(store)
    named = {row["id"]: row["fingerprint"] for row in found["variants"]}
    assert [named[row["variant_id"]] for row in found["trials"]] == [
        digest(name) for name in ("x", "y", "y", "z")
    ]
    candidates = [row["name"] for row in found["variants"] if row["role"] == "candidate"]
    assert len(candidates) == len(set(candidates)) == 3


# whole or not at all


def test_a_failure_in_the_middle_leaves_the_target_as_it_was(
    other: Callable[[str], Store],
) -> None:
    store, there = other("here"), other("there")
    finish_all(there, there.plans.add(plan()))
    with writing(store.engine) as connection:
        connection.execute(text(
            "create trigger full before insert on scores when (select count(*) from scores) > 5 "
            "begin select raise(abort, 'no more'); end"
        ))  # fmt: skip
    before = tables(store)
    with pytest.raises(UserError, match="no more"):
        merged(store, there)
    assert tables(store) == before


def merge_in_child(url: str, there: str) -> None:
    merge(open_store(url, create=False), there)


def test_a_kill_at_any_moment_leaves_all_or_nothing(other: Callable[[str], Store]) -> None:
    there = other("there")
    finish_all(there, there.plans.add(plan(variants=tuple("abcdef"), seeds=tuple(range(8)))))
    target = other("target")
    before, url = content(target), database(target.root)
    spawn = multiprocessing.get_context("fork")
    seen = set()
    for pause in (0.005, 0.02, 0.04, 0.08, 0.15, 5):
        child = spawn.Process(target=merge_in_child, args=(url, database(there.root)))
        child.start()
        time.sleep(pause) if pause < 1 else child.join(60)
        child.kill()
        child.join()
        found = content(target)
        assert found in (before, content(there))
        seen.add(found == before)
    assert False in seen


# what is refused


def test_what_is_no_fit_database_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("no database")
    sqlite3.connect(tmp_path / "strange.sqlite").execute("create table t (x)").connection.close()
    for name, answer in (
        ("gone.sqlite", "there is no such database"),
        ("text.sqlite", "is not an SQLite database"),
        ("strange.sqlite", "is no database of srbench"),
    ):
        with pytest.raises(UserError, match=answer):
            merge(store, tmp_path / name)


def test_a_database_is_not_merged_into_itself(other: Callable[[str], Store]) -> None:
    store = other("here")
    (store.root / "link.sqlite").symlink_to(database(store.root))
    with pytest.raises(UserError, match="is this database itself"):
        merge(store, store.root / "link.sqlite")


@pytest.mark.parametrize(
    ("schema", "remedy"), [("0004", "development version"), ("v9999", "pip install --upgrade")]
)
def test_another_schema_is_refused_with_the_remedy(
    store: Store, other: Callable[[str], Store], schema: str, remedy: str
) -> None:
    there = other("there")
    with writing(there.engine) as connection:
        connection.execute(text(f"update srbench_version set version_num = '{schema}'"))
    with pytest.raises(UserError, match=remedy):
        merged(store, there)


DOCTORED = (
    "update runs set fingerprint = '../../x' where id = 1",
    "update runs set weights = '/etc/passwd'",
    "update pictures set path = '../../../x.png'",
    "update runs set seed = 'zero' where id = 1",
    "update scores set value = 'thirty'",
    "update scores set image_id = 77 where run_id = 1 and image_id = 2 and metric = 'psnr_y'",
    "update plans set facts = 'no json'",
    "update curves set run_id = 99 where id = 1",
    "delete from trainings",
)


@pytest.mark.parametrize("change", DOCTORED)
def test_a_doctored_database_is_refused_and_nothing_is_written(
    other: Callable[[str], Store], change: str
) -> None:
    store, there = other("here"), other("there")
    finish_all(there, there.plans.add(plan()))
    there.close()
    doctored(database(there.root), change)
    before = tables(store)
    with pytest.raises(UserError):
        merged(store, there)
    assert tables(store) == before


# files


def with_files(store: Store, number: int) -> None:
    """Finish everything, with files that are what their rows say."""
    while (claim := store.queue.claim(number, this_process("test"))) is not None:
        folder = store.root / "runs" / claim.fingerprint / str(claim.seed)
        folder.mkdir(parents=True)
        weights = f"weights of {claim.fingerprint} {claim.seed}".encode()
        (folder / "weights.safetensors").write_bytes(weights)
        (folder / "chelsea.png").write_bytes(b"a picture")
        sha256 = hashlib.sha256(weights).hexdigest()
        store.measurements.finish(claim, outcome(store, claim, weights_sha256=sha256))


def files(store: Store) -> dict[str, bytes]:
    found = (p for p in (store.root / "runs").rglob("*") if p.is_file())
    return {p.relative_to(store.root).as_posix(): p.read_bytes() for p in found}


def test_the_files_of_runs_come_along_once(other: Callable[[str], Store]) -> None:
    store, there = other("here"), other("there")
    with_files(there, there.plans.add(plan()))
    assert [merged(store, there).files, merged(store, there).files] == [8, 0]
    assert files(store) == files(there)


def test_weights_that_are_missing_or_damaged_are_named(other: Callable[[str], Store]) -> None:
    store, there = other("here"), other("there")
    with_files(there, there.plans.add(plan()))
    [first, second, *_] = sorted(there.root.rglob("weights.safetensors"))
    first.unlink()
    second.write_bytes(b"rotten")
    found = merged(store, there)
    expected = sorted(p.relative_to(there.root).as_posix() for p in (first, second))
    assert list(found.missing) == expected
    assert not any((store.root / name).exists() for name in expected)


def test_another_result_has_a_folder_of_its_own(other: Callable[[str], Store]) -> None:
    store, there = other("here"), other("there")
    one = plan(variants=("plain",), seeds=(0,))
    with_files(store, store.plans.add(one))
    with_files(there, there.plans.add(one))
    weights = next(there.root.rglob("weights.safetensors"))
    weights.write_bytes(b"others")
    sha256 = hashlib.sha256(b"others").hexdigest()
    with writing(there.engine) as connection:
        connection.execute(table_of(Run).update().values(weights_sha256=sha256))
    before = files(store)
    merged(store, there)
    folder = f"runs/{digest('plain')}/0-0"
    assert files(store).items() > before.items()
    [moved] = [row for row in tables(store)["runs"] if row["attempt"] == 0]
    assert moved["weights"] == f"{folder}/weights.safetensors"
    assert (store.root / moved["weights"]).read_bytes() == b"others"


def test_a_link_is_not_followed(other: Callable[[str], Store], tmp_path: Path) -> None:
    store, there = other("here"), other("there")
    with_files(there, there.plans.add(plan()))
    secret = tmp_path / "secret"
    secret.write_text("mine")
    [picture, *_] = sorted(there.root.rglob("chelsea.png"))
    picture.unlink()
    picture.symlink_to(secret)
    assert len(merged(store, there).missing) == 1
    assert b"mine" not in files(store).values()
