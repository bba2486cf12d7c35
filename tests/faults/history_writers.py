"""Processes that use one store at once, and what they say of it: a line of JSON each.

They are called by name in processes of their own; every one waits for the same moment to begin.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

from store_samples import outcome, plan

from srbench.store import Point, open_store, this_process
from srbench.store.doctor import database_facts
from srbench.store.export import export

BATCH = 100


def value(writer: int, step: int) -> float:
    return writer + step / 7


def wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def prepare(db: str, writers: int) -> int:
    store = open_store(db)
    number = store.plans.add(plan("tiny", ("plain",), seeds=tuple(range(writers))))
    store.close()
    return number


def write(db: str, number: int, rows: int, moment: float) -> None:
    """Claim a run and write so many points of its curve, batch by batch; then finish it."""
    wait_until(moment)
    store = open_store(db)
    claim = store.queue.claim(number, this_process())
    assert claim is not None
    longest = 0.0
    for first in range(1, rows + 1, BATCH):
        steps = range(first, first + BATCH)
        points = [Point("loss_step", s, s / 50, value(claim.seed, s)) for s in steps]
        begun = time.monotonic()
        store.measurements.write_points(claim, points, steps=steps[-1])
        longest = max(longest, time.monotonic() - begun)
    store.measurements.finish(claim, outcome(store, claim, steps=rows))
    store.close()
    print(json.dumps({"run": claim.run, "seed": claim.seed, "longest_s": longest}))


def read(db: str, kind: str, done: str) -> None:
    """Read in one way, twice a second, until a file is there."""
    turns = 0
    while not Path(done).exists():
        turns += 1
        if kind == "report":
            store = open_store(db)
            store.reading.results("tiny", points=100)
            store.close()
        elif kind == "export":
            store = open_store(db)
            export(store, Path(done).with_name(f"export-{turns % 2}"))
            store.close()
        else:
            connection = sqlite3.connect(db, timeout=60, isolation_level=None)
            connection.execute("begin")
            first = connection.execute("select count(*) from points").fetchone()
            time.sleep(0.02)
            assert connection.execute("select count(*) from points").fetchone() == first
            connection.execute("commit")
            connection.close()
        time.sleep(0.5)
    print(json.dumps({"kind": kind, "turns": turns}))


def open_fresh(db: str, moment: float) -> None:
    wait_until(moment)
    store = open_store(db)
    found = database_facts(store)
    store.close()
    print(json.dumps([found["schema"], found["integrity"]]))
