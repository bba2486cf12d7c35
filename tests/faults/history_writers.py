"""What processes do that use one store at once; each prints its findings as JSON."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from store_samples import outcome, plan

from srbench.store import Point, export, open_store, this_process

BATCH = 100


def value(writer: int, step: int) -> float:
    return writer + step / 7


def prepare(db: str, writers: int) -> int:
    store = open_store(db)
    number = store.plans.add(plan("tiny", ("plain",), seeds=tuple(range(writers))))
    store.close()
    return number


def write(db: str, number: int, rows: int, moment: float) -> None:
    """Claim a run and write so many points of its curve, batch by batch; then finish it."""
    time.sleep(max(0.0, moment - time.monotonic()))
    store = open_store(db)
    lease = store.queue.claim(number, this_process())
    assert lease is not None
    longest = 0.0
    for first in range(1, rows + 1, BATCH):
        steps = range(first, first + BATCH)
        points = [Point("loss_step", s, s / 50, value(lease.seed, s)) for s in steps]
        begun = time.monotonic()
        store.measurements.write_points(lease, points, steps=steps[-1])
        longest = max(longest, time.monotonic() - begun)
    store.measurements.finish(lease, outcome(store, lease, steps=rows))
    store.close()
    print(json.dumps({"seed": lease.seed, "longest_s": longest}))


def report(db: str) -> None:
    store = open_store(db)
    store.reading.results("tiny", points=100)
    store.close()


def export_all(db: str) -> None:
    store = open_store(db)
    export.export(store, Path("export"))
    store.close()


def read(db: str) -> None:
    """One transaction that sees one state of the database, whoever writes meanwhile."""
    with closing(sqlite3.connect(db, timeout=60, isolation_level=None)) as connection:
        connection.execute("begin")
        first = connection.execute("select count(*) from points").fetchone()
        time.sleep(0.02)
        assert connection.execute("select count(*) from points").fetchone() == first
        connection.execute("commit")


def until(done: str, reader: Callable[[str], None], db: str) -> None:
    """Read twice a second until a file is there; print how often."""
    turns = 0
    while not Path(done).exists():
        turns += 1
        reader(db)
        time.sleep(0.5)
    print(turns)
