"""In any order of calls, the store holds what a dictionary holds that is updated with it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from modes import in_mode
from store_samples import METRICS, PHOTOS, claimed, outcome, plan

from srbench.store import Lease, LeaseLost, Owner, Point, Store, measurements, open_store
from srbench.store.journal import Journal
from srbench.store.queue import LEASE_SECONDS
from srbench.store.sql import ask

OWNERS = tuple(Owner(f"machine-{n}", "boot", 10 + n, 1.0, f"worker {n}") for n in range(3))
PLANS = (plan("one", ("plain", "se"), (0, 1)), plan("two", ("se", "atrous"), (0,)))
STEPS = 5
VALUES = st.one_of(st.floats(), st.sampled_from([-0.0, 1e-320, float("nan"), float("-inf")]))


class Life(RuleBasedStateMachine):
    """Owners of other machines claim, write, vanish and come back; the test moves the clock."""

    open_one: Any  # makes an empty store below a folder; set for each database

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="srbench-machine-"))
        self.now = 1000.0
        self.store: Store = replace(self.open_one(self.folder), clock=lambda: self.now)
        self.plans: dict[int, Any] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.claims: list[Lease] = []  # also those that were lost

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    @rule(chosen=st.sampled_from(PLANS))
    def plan_it(self, chosen: Any) -> None:
        """Planning queues what is new, and changes no run that is there."""
        self.plans[self.store.plans.add(chosen)] = chosen
        for number, fingerprint, seed, attempt in self.rows("id, fingerprint, seed, attempt"):
            new = {"key": (fingerprint, seed), "attempt": attempt, "state": "queued"}
            new |= {"fence": 0, "until": None, "points": {}, "reason": None, "scores": 0}
            new |= {"steps": 0, "owner": None}
            self.runs.setdefault(number, new)
        asked = {(v.fingerprint, s) for p in self.plans.values() for v in p.variants
                 for s in v.seeds}  # fmt: skip
        assert {run["key"] for run in self.runs.values()} == asked

    @precondition(lambda self: self.plans)
    @rule(owner=st.sampled_from(OWNERS), data=st.data())
    def claim(self, owner: Owner, data: st.DataObject) -> None:
        """A claim gives a free run of the plan, the first in its order, or none."""
        number = data.draw(st.sampled_from(sorted(self.plans)))
        wanted = self.plans[number].variants
        order = [(v.fingerprint, v.seeds[turn]) for turn in range(len(wanted[0].seeds))
                 for v in wanted]  # fmt: skip
        free = [run for run in self.of(number) if self.is_free(run)]
        free.sort(key=lambda run: order.index(run["key"]))
        found = self.store.queue.claim(number, owner)
        assert (found is None) == (not free)
        if found is None:
            return
        run = self.runs[found.run]
        assert run is free[0]
        assert (found.fence, found.steps_done) == (run["fence"] + 1, run["steps"])
        assert (found.attempt, (found.fingerprint, found.seed)) == (run["attempt"], run["key"])
        run |= {"state": "running", "fence": found.fence, "until": self.now + LEASE_SECONDS}
        run["owner"] = owner
        self.claims.append(found)

    @rule(seconds=st.sampled_from([1.0, 60.0, LEASE_SECONDS + 1, -3600.0, 3e8]))
    def time_passes(self, seconds: float) -> None:
        """Leases run out; clocks also jump."""
        self.now = max(self.now + seconds, 0.0)

    @precondition(lambda self: self.claims)
    @rule(
        data=st.data(), step=st.integers(1, STEPS), values=st.lists(VALUES, min_size=1, max_size=4)
    )
    def write(self, data: st.DataObject, step: int, values: list[float]) -> None:
        lease = self.drawn(data)
        with self.fenced_if_lost(lease) as run:
            new = {at: value + 0.0 for at, value in enumerate(values, step)}  # no minus zero
            points = [Point("loss", step, step / 2, 9.0)]  # the later counts
            points += [Point("loss", at, at / 2, value) for at, value in enumerate(values, step)]
            points.append(Point("lr", step, step / 2, 1e-4))
            self.store.measurements.write_points(lease, points, steps=step)
            run["steps"] = step
            run["points"] |= new
            run["until"] = self.now + LEASE_SECONDS

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), after=st.integers(0, STEPS))
    def go_on_from_a_checkpoint(self, data: st.DataObject, after: int) -> None:
        lease = self.drawn(data)
        with self.fenced_if_lost(lease) as run:
            self.store.measurements.forget_points(lease, after)
            run["points"] = {k: v for k, v in run["points"].items() if k <= after}
            run["until"] = self.now + LEASE_SECONDS

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), how=st.sampled_from(["done", "diverged", "oom", "interrupted"]))
    def end(self, data: st.DataObject, how: str) -> None:
        lease = self.drawn(data)
        if how == "done":
            what = outcome(self.store, lease)
        with self.fenced_if_lost(lease) as run:
            if how == "done":
                self.store.measurements.finish(lease, what)
                run |= {"state": "done", "scores": len(METRICS) * len(PHOTOS.images)}
                run["steps"] = what.steps
            elif how == "interrupted":
                self.store.queue.interrupt(lease, 1)
                run |= {"state": "interrupted", "steps": 1}
            else:
                self.store.queue.fail(lease, how, "message", steps=1)  # type: ignore[arg-type]
                run |= {"state": "failed", "reason": how, "steps": 1}
            run["until"] = None

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def beat(self, data: st.DataObject) -> None:
        lease = self.drawn(data)
        alive = self.holds(lease)
        assert self.store.queue.heartbeat(lease) == alive
        if alive:
            self.runs[lease.run]["until"] = self.now + LEASE_SECONDS

    @precondition(lambda self: self.plans)
    @rule(data=st.data(), fresh=st.booleans())
    def ask_again(self, data: st.DataObject, fresh: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.plans)))
        if fresh:  # whatever is queued is new already
            chosen = [run for run in self.of(number) if run["state"] != "queued"]
            added = self.store.queue.add_attempts(number)
        else:
            chosen = [run for run in self.of(number) if run["reason"] == "oom"]
            added = self.store.queue.retry_failed(number)
        assert added == len(chosen)
        self.plan_it(self.plans[number])

    @rule()
    def reopen(self) -> None:
        """As after a crash of this process: nothing is lost, nothing changes."""
        self.store.engine.dispose()

    @invariant()
    def the_database_is_what_the_dictionary_says(self) -> None:
        if not hasattr(self, "runs"):
            return
        rows = self.rows("id, fingerprint, seed, attempt, state, reason, fence, lease_until, steps")
        assert {row[0]: tuple(row[1:]) for row in rows} == {
            number: (*run["key"], run["attempt"], run["state"], run["reason"], run["fence"],
                     run["until"], run["steps"])
            for number, run in self.runs.items()
        }  # fmt: skip
        for number, points in self.stored("loss").items():
            assert same(points, self.runs[number]["points"])
        for number in self.plans:
            mine, queue = self.of(number), self.store.queue
            free = [run for run in mine if self.is_free(run)]
            held = [run for run in mine if run["state"] == "running" and run not in free]
            assert queue.states(number) == Counter(run["state"] for run in mine)
            assert queue.claimable(number) == len(queue.waiting(number)) == len(free)
            assert sum(queue.elsewhere(number, OWNERS[0]).values()) == len(
                [run for run in held if run["owner"] != OWNERS[0]]
            )
        scored = dict(ask(self.store, "SELECT run_id, count(*) FROM scores GROUP BY run_id")[1])
        assert scored == {n: run["scores"] for n, run in self.runs.items() if run["scores"]}

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        return ask(self.store, f"SELECT {columns} FROM runs ORDER BY id")[1]

    def stored(self, name: str) -> dict[int, dict[int, float]]:
        found: dict[int, dict[int, float]] = {number: {} for number in self.runs}
        query = (
            "SELECT run_id, step, coalesce(cast(value as text), not_finite), value FROM points "
            f"JOIN curves ON curves.id = points.curve_id WHERE curves.name = '{name}'"
        )
        for run, step, word, value in ask(self.store, query)[1]:
            found[run][step] = float(word) if value is None else value
        return found

    def of(self, number: int) -> list[dict[str, Any]]:
        """The latest attempts that a plan asks for."""
        chosen = self.plans[number]
        asked = {(v.fingerprint, s) for v in chosen.variants for s in v.seeds}
        last = {key: max(r["attempt"] for r in self.runs.values() if r["key"] == key)
                for key in asked}  # fmt: skip
        return [r for r in self.runs.values() if last.get(r["key"]) == r["attempt"]]

    def is_free(self, run: dict[str, Any]) -> bool:
        stale = run["state"] == "running" and run["until"] < self.now
        return stale or run["state"] in ("queued", "interrupted")

    def drawn(self, data: st.DataObject) -> Lease:
        return self.claims[data.draw(st.integers(0, len(self.claims) - 1))]

    def holds(self, lease: Lease) -> bool:
        run = self.runs[lease.run]
        return bool(run["state"] == "running" and run["fence"] == lease.fence)

    def fenced_if_lost(self, lease: Lease) -> Any:
        return Expected(self.runs[lease.run], self.holds(lease))


class Expected(suppress):
    """A write under a lease: where it is lost, LeaseLost must come, and nothing may change."""

    def __init__(self, run: dict[str, Any], holds: bool) -> None:
        super().__init__(LeaseLost)
        self.run, self.holds = run, holds

    def __enter__(self) -> dict[str, Any]:  # type: ignore[override]
        return self.run

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if kind is None or issubclass(kind, LeaseLost):
            assert (kind is None) == self.holds
        return super().__exit__(kind, error, trace)


def same(found: dict[int, float], wanted: dict[int, float]) -> bool:
    return {k: repr(v) for k, v in found.items()} == {k: repr(v) for k, v in wanted.items()}


def tried(opener: Any, examples: int) -> None:
    machine = type("Life", (Life,), {"open_one": staticmethod(opener)})
    often = int(os.environ.get("SRBENCH_EXAMPLES", examples))
    run_state_machine_as_test(
        machine, settings=settings(max_examples=often, stateful_step_count=40, deadline=None)
    )


@pytest.mark.parametrize(
    ("mode", "examples"),
    [("wal", 5), *(pytest.param(mode, 10, marks=pytest.mark.slow) for mode in ("wal", "truncate"))],
)
def test_any_order_of_events_on_sqlite_is_as_the_model_says(
    empty: str, mode: Any, examples: int
) -> None:
    """SRBENCH_EXAMPLES sets how many lives of 40 events."""

    def opened(folder: Path) -> Store:
        path = shutil.copy(empty, folder / "srbench.sqlite")
        return in_mode(str(path), Journal(mode, "asked for by the test"))

    tried(opened, examples)


@pytest.mark.slow
def test_any_order_of_events_on_postgresql_is_as_the_model_says(postgres: str) -> None:
    def opened(folder: Path) -> Store:
        store = open_store(postgres)
        with store.engine.begin() as connection:
            roots = "studies, trainings, datasets, provenances"
            connection.exec_driver_sql(f"TRUNCATE {roots} RESTART IDENTITY CASCADE")
        return store

    tried(opened, 15)


def test_the_model_notices_a_store_without_fences(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted bug, so that agreement above means something."""
    life = Life()
    type(life).open_one = staticmethod(
        lambda folder: open_store(shutil.copy(empty, folder / "srbench.sqlite"))
    )
    life.begin()
    life.plan_it(PLANS[0])
    lost = claimed(life.store, 1, OWNERS[0])
    life.time_passes(LEASE_SECONDS + 1)
    kept = claimed(life.store, 1, OWNERS[1])
    life.runs[kept.run] |= {"state": "running", "fence": kept.fence}
    write_late(life, lost)  # the store refuses, as the model says
    monkeypatch.setattr(measurements, "hold", lambda *args, **values: None)
    with pytest.raises(AssertionError):
        write_late(life, lost)
    life.teardown()


def write_late(life: Life, lease: Lease) -> None:
    with life.fenced_if_lost(lease):
        life.store.measurements.write_points(lease, [Point("loss", 1, 0.5, 1.0)])
