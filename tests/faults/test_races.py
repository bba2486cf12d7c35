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
    moment = time.monotonic() + 0.05 * writers  # when all of them will have been forked
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


@pytest.mark.parametrize(
    ("writers", "rows"),
    [
        pytest.param(8, 1_000, marks=pytest.mark.slow),
        pytest.param(32, 10_000, marks=pytest.mark.campaign),
    ],
)
def test_writers_beside_readers_lose_no_row(tmp_path: Path, writers: int, rows: int) -> None:
    assert write_at_once(tmp_path, writers, rows) < 60  # seconds that SQLite waits for a lock
