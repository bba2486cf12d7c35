"""What the queue costs a conductor: how many runs wait, claiming one, and a message written down.

    python benchmarks/run_queue.py                          10,000 queued runs in SQLite
    python benchmarks/run_queue.py --db postgresql://…      in an empty database on a server

Medians of milliseconds, with the queue full and with all but one run finished.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "store"))

import store_samples as samples
from sqlalchemy import text

from srbench.store import Point, Store, open_store, this_process
from srbench.store.doctor import database_facts

SEEDS = tuple(range(50))


def filled(url: str, runs: int) -> tuple[Store, int]:
    """A store with so many queued runs of one plan, and other plans of the same runs beside it."""
    store = open_store(url)
    names = tuple(f"v{n}" for n in range(runs // len(SEEDS)))
    for part in range(4):  # plans of the same study as it grew
        store.plans.add(samples.plan("former", names[: len(names) * (part + 1) // 5], SEEDS))
    return store, store.plans.add(samples.plan("queue", names, SEEDS))


def median_ms(work: Callable[[], Any], times: int) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append((time.perf_counter() - start) * 1e3)
    return statistics.median(spent)


def measure(store: Store, plan: int, times: int) -> None:
    me = this_process("benchmark")
    queue = store.queue
    print(f"  claimable   {median_ms(lambda: queue.claimable(plan), times):9.1f} ms, all counted")
    print(f"              {median_ms(lambda: queue.claimable(plan, 8), times):9.1f} ms, up to 8")
    print(f"  claim       {median_ms(lambda: store.queue.claim(plan, me), times):9.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--db", help="an empty database's URL; else a new SQLite file")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, plan = filled(given.db or f"{folder}/queue.sqlite", given.runs)
        facts = database_facts(store)
        print(f"{given.runs:,} runs queued, {facts['kind']} {facts['version']}")
        measure(store, plan, given.times)
        claim = store.queue.claim(plan, this_process("benchmark"))
        assert claim is not None
        curve = [Point("loss_step", step, step / 20, 1.0) for step in range(20)]
        step = iter(range(10**6))

        def message() -> None:
            first = 20 * next(step)
            points = [Point(p.name, first + p.step, (first + p.step) / 20, p.value) for p in curve]
            store.measurements.write_points(claim, points, steps=first)

        print(f"  message     {median_ms(message, 50):9.1f} ms, 20 points")
        with store.engine.begin() as connection:
            connection.execute(text("UPDATE runs SET state = 'done' WHERE state = 'queued'"))
        print("none queued any more")
        measure(store, plan, given.times)
        store.close()


if __name__ == "__main__":
    main()
