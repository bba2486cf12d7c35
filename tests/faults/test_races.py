"""Many processes at one database: every run trained once, no row lost, no lock in anyone's way.

SRBENCH_ROUNDS=25 pytest tests/faults/test_races.py -m campaign -s
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import conductors
import history
import history_writers
import kills
import pytest
import tiny
from conductors import Bug, Child

HANGS = 1800  # seconds: only a process that waits for ever is longer
ROUNDS = int(os.environ.get("SRBENCH_ROUNDS", "4"))  # of the campaign
AT_ONCE = 8
pytestmark = pytest.mark.usefixtures("server")


def compete(folder: Path, undisturbed: history.Found, bug: Bug | None = None) -> None:
    """Eight commands run one study at once; every run is trained once."""
    tiny.lay_out(folder, kills.STUDY)
    options = ("run", "tiny.yaml", "--workers", "1", "--checkpoint-s", "0.2")
    commands = [conductors.Conductor(folder, *options, bug=bug) for _ in range(AT_ONCE)]
    assert [(c.wait(300), "Traceback" in c.printed()) for c in commands] == [(0, False)] * AT_ONCE
    assert history.check(folder, undisturbed) == []
    claims = [c.run for c in history.calls_of(folder) if c.op == "claim" and c.run is not None]
    assert sorted(claims) == sorted(set(claims))  # nobody took over what another trained
    assert history.rows(folder, "select distinct attempt, fence from runs") == [(1, 1)]
    assert len(history.rows(folder, "select id from plans")) == 1


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(0, marks=pytest.mark.slow),
        *(pytest.param(n, marks=pytest.mark.campaign) for n in range(1, ROUNDS)),
    ],
)
def test_eight_commands_at_once_train_every_run_once(
    tmp_path: Path, undisturbed: history.Found, turn: int
) -> None:
    compete(tmp_path, undisturbed)


def soon(processes: int) -> float:
    """When all of them will have been forked."""
    return time.monotonic() + 0.05 * processes


def answer(child: Child) -> Any:
    assert child.wait(HANGS) == 0, child.printed()
    return json.loads(child.printed())


def write_at_once(folder: Path, writers: int, rows: int) -> float:
    """Write from so many processes beside four readers; the longest that one write waited."""
    db, done = str(folder / "many.sqlite"), str(folder / "done")
    plan = history_writers.prepare(db, writers)
    ways = history_writers
    readers: list[Callable[..., None]] = [ways.report, ways.export_all, ways.read, ways.read]
    reading = [Child(folder, history_writers.until, done, reader, db) for reader in readers]
    moment = soon(writers)
    writing = [Child(folder, history_writers.write, db, plan, rows, moment) for _ in range(writers)]
    notes = [answer(child) for child in writing]
    Path(done).touch()
    assert all(answer(child) > 0 for child in reading)
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
def test_eight_writers_beside_readers_lose_no_row(tmp_path: Path) -> None:
    write_at_once(tmp_path, 8, 1_000)


@pytest.mark.campaign
def test_32_writers_of_10_000_rows_beside_readers_lose_no_row(tmp_path: Path) -> None:
    longest = write_at_once(tmp_path, 32, 10_000)
    print(f"longest wait {longest:.1f} s")
    assert longest < 60  # what SQLite waits for a lock


@pytest.mark.campaign
@pytest.mark.parametrize("turn", range(25))
def test_sixteen_processes_open_a_fresh_database_at_once(tmp_path: Path, turn: int) -> None:
    """Four and sixteen at once are in tests/store; here again and again."""
    db, moment = str(tmp_path / "fresh.sqlite"), soon(16)
    opened = [Child(tmp_path, history_writers.open_fresh, db, moment) for _ in range(16)]
    assert [answer(child)[1] for child in opened] == ["ok"] * 16
