"""Many processes at one database: every run trained once, no row lost, no lock in anyone's way.

SRBENCH_ROUNDS=25 pytest tests/faults/test_races.py -m campaign -s
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import history
import history_writers
import kills
import pytest
import tiny
from kills_nursery import Child, Nursery

from srbench.run.mirror import refresh
from srbench.store import open_store

HANGS = 1800  # seconds: only a process that waits for ever is longer
ROUNDS = int(os.environ.get("SRBENCH_ROUNDS", "4"))  # of the campaign
AT_ONCE = 8


def compete(nursery: Nursery, folder: Path, undisturbed: history.Found) -> None:
    tiny.lay_out(folder, kills.STUDY)
    options = ("run", "tiny.yaml", "--workers", "1", "--checkpoint-s", "0.2")
    children = [nursery.start(folder, *options) for _ in range(AT_ONCE)]
    assert [(c.wait(300), "Traceback" in c.said()) for c in children] == [(0, False)] * AT_ONCE
    assert not [c.said() for c in children if "stays behind" in c.said()]
    assert history.check(folder, undisturbed) == []
    claims = [c.run for c in history.calls_of(folder) if c.op == "claim" and c.run is not None]
    assert sorted(claims) == sorted(set(claims))  # nobody took over what another trained
    assert history.rows(folder, "select distinct attempt, fence from runs") == [(1, 1)]
    assert len(history.rows(folder, "select id from plans")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(2))
def test_eight_commands_at_once_train_every_run_once(
    tmp_path: Path, nursery: Nursery, undisturbed: history.Found, turn: int
) -> None:
    compete(nursery, tmp_path, undisturbed)


@pytest.mark.campaign
@pytest.mark.parametrize("turn", range(ROUNDS))
def test_eight_commands_at_once_train_every_run_once_again_and_again(
    tmp_path: Path, nursery: Nursery, undisturbed: history.Found, turn: int
) -> None:
    compete(nursery, tmp_path, undisturbed)


def soon(processes: int) -> float:
    """When all of them will have been forked."""
    return time.monotonic() + 0.05 * processes


def said(child: Child) -> Any:
    assert child.wait(HANGS) == 0, child.said()
    return json.loads(child.said())


def write_at_once(nursery: Nursery, folder: Path, writers: int, rows: int) -> float:
    """Write from so many processes beside four readers; the longest that one write waited."""
    db, done = str(folder / "many.sqlite"), str(folder / "done")
    plan = history_writers.prepare(db, writers)
    reading = [
        nursery.call(folder, "history_writers:read", db, kind, done)
        for kind in ("report", "export", "raw", "raw")
    ]
    moment = soon(writers)
    writing = [
        nursery.call(folder, "history_writers:write", db, plan, rows, moment)
        for _ in range(writers)
    ]
    notes = [said(child) for child in writing]
    Path(done).touch()
    assert all(said(child)["turns"] > 0 for child in reading)
    with closing(sqlite3.connect(db)) as connection:
        found = connection.execute(
            "select seed, step, value from runs join curves on run_id = runs.id"
            " join points on curve_id = curves.id where state = 'done' and fence = 1"
        ).fetchall()
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert len(found) == writers * rows
    assert all(value == history_writers.value(seed, step) for seed, step, value in found)
    assert sorted(note["seed"] for note in notes) == list(range(writers))
    return max(float(note["longest_s"]) for note in notes)


@pytest.mark.slow
def test_eight_writers_beside_readers_lose_no_row(tmp_path: Path, nursery: Nursery) -> None:
    write_at_once(nursery, tmp_path, 8, 1_000)


@pytest.mark.campaign
def test_32_writers_of_10_000_rows_beside_readers_lose_no_row(
    tmp_path: Path, nursery: Nursery
) -> None:
    begun = time.monotonic()
    longest = write_at_once(nursery, tmp_path, 32, 10_000)
    print(f"320 000 rows in {time.monotonic() - begun:.0f} s, longest wait {longest:.1f} s")
    assert longest < 60  # what SQLite waits for a lock


def open_at_once(nursery: Nursery, folder: Path, rounds: Sequence[int]) -> None:
    for turn in rounds:
        db, moment = str(folder / f"{turn}.sqlite"), soon(16)
        children = [
            nursery.call(folder, "history_writers:open_fresh", db, moment) for _ in range(16)
        ]
        assert [said(child)[1] for child in children] == ["ok"] * 16


@pytest.mark.slow
def test_sixteen_processes_open_a_fresh_database_at_once(tmp_path: Path, nursery: Nursery) -> None:
    open_at_once(nursery, tmp_path, range(2))


@pytest.mark.campaign
def test_sixteen_processes_open_fresh_databases_at_once_25_times(
    tmp_path: Path, nursery: Nursery
) -> None:
    open_at_once(nursery, tmp_path, range(25))


@pytest.fixture
def finished(nursery: Nursery, tmp_path: Path) -> Path:
    kills.undisturbed(nursery, tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_mirror_made_anew_leaves_no_pictures_of_the_old_one(finished: Path) -> None:
    with closing(sqlite3.connect(finished / "db" / "optuna.sqlite")) as connection:
        connection.execute("delete from trial_user_attributes where key = 'state'")
        connection.commit()
    store = open_store(finished / tiny.DB)
    refresh(store, "tiny")
    store.close()
    assert history.trials(finished) == {"COMPLETE": 5}
    assert len(list((finished / "db" / "artifacts").iterdir())) == 5
