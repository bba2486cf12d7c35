"""Runs are claimed once, held by one, and never lost with their owner."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from store_samples import (
    claim_and_die,
    claim_until_none,
    claimed,
    database,
    open_and_plan,
    plan,
    url_of,
)

from srbench.store import Owner, Store, engine, open_store, owners, this_process
from srbench.store.engine import reading


def at(store: Store, moment: float) -> Store:
    """The same store with its clock stopped."""
    return replace(store, clock=lambda: moment)


def from_children(work: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """What each child sends; all run at once, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe(duplex=False) for _ in arguments]
    children = [
        context.Process(target=work, args=(*given, sender))
        for given, (_, sender) in zip(arguments, pipes, strict=True)
    ]
    for child in children:
        child.start()
    for _, sender in pipes:
        sender.close()
    sent = [receiver.recv() for receiver, _ in pipes]
    for child in children:
        child.join()
    return sent


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that does not have its tables yet."""
    of_file = request.param == "sqlite"
    return database(tmp_path) if of_file else str(request.getfixturevalue("postgres"))


@pytest.mark.slow
def test_eight_processes_train_each_of_80_runs_once(fresh: str) -> None:
    store = open_store(fresh)
    number = store.plans.add(plan(seeds=tuple(range(40))))
    had = from_children(claim_until_none, [(fresh, number)] * 8)
    assert Counter(run for mine in had for run in mine) == dict.fromkeys(range(1, 81), 1)
    assert store.queue.states(number) == {"done": 80}
    store.close()


@pytest.mark.slow
def test_sixteen_processes_may_open_a_fresh_store_at_once(fresh: str) -> None:
    assert from_children(open_and_plan, [(fresh,)] * 16) == [1] * 16


def test_a_run_is_taken_at_once_from_a_dead_process_of_this_machine(tmp_path: Path) -> None:
    store = open_store(database(tmp_path))
    number = store.plans.add(plan())
    (run,) = from_children(claim_and_die, [(url_of(store), number)])
    assert store.queue.claimable(number) == 4
    assert sorted(steps for *_, steps in store.queue.waiting(number)) == [0, 0, 0, 7]
    claim = claimed(store, number)
    assert (claim.run, claim.fence, claim.steps_done) == (run, 2, 7)
    store.close()


def test_a_run_is_not_taken_from_a_living_process(store: Store) -> None:
    number = store.plans.add(plan(seeds=(0,)))
    first = claimed(store, number)
    assert claimed(store, number).run != first.run
    assert store.queue.claim(number, this_process("third")) is None


def test_a_reused_pid_is_not_taken_for_the_owner(store: Store) -> None:
    number = store.plans.add(plan(seeds=(0,)))
    earlier = replace(this_process(), started=1.0)
    first = claimed(store, number, earlier)
    assert claimed(store, number).run == first.run


def test_a_commit_waits_for_who_reads_however_long(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = store.plans.add(plan(seeds=(0,)))
    if store.engine.dialect.name == "sqlite":

        @event.listens_for(store.engine, "connect")
        def impatient(connection: sqlite3.Connection, _: Any) -> None:
            connection.execute("PRAGMA busy_timeout = 1")  # stands for a reading of over a minute

        monkeypatch.setattr(engine, "BUSY_SECONDS", 0.001)
        store.engine.dispose()
    with reading(store.engine) as connection:
        connection.execute(text("select count(*) from runs")).all()
        writer = threading.Thread(target=claimed, args=(store, number))
        writer.start()
        time.sleep(0.3)
        connection.execute(text("select count(*) from runs")).all()
    writer.join()
    assert store.queue.states(number) == {"queued": 1, "running": 1}


def test_a_run_that_a_search_of_another_plan_pruned_is_counted(store: Store) -> None:
    number = store.plans.add(plan(seeds=(0,)))
    claim = claimed(store, number)
    assert store.queue.pruned(number) == 0
    store.trials.prune(number, claim, 1, "hopeless", steps=7, seconds=1.0)
    assert store.queue.pruned(number) == 1
    store.plans.add(plan(seeds=(0,)))  # which takes it up again
    assert store.queue.pruned(number) == 0


def test_a_process_that_another_user_hides_is_not_taken_for_gone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /proc is mounted with hidepid: no entry, and the system says that there is a process."""
    number = store.plans.add(plan(seeds=(0,)))
    first = claimed(store, number)
    real = owners.PROC / "sys"
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / "proc/sys").symlink_to(real)
    (tmp_path / "proc/self/ns/pid").symlink_to(os.readlink("/proc/self/ns/pid"))
    monkeypatch.setattr(owners, "PROC", tmp_path / "proc")
    assert claimed(store, number).run != first.run
    monkeypatch.setattr(os, "kill", gone)
    assert claimed(store, number).run == first.run


def gone(pid: int, number: int) -> None:
    raise ProcessLookupError


def test_an_expired_lease_frees_no_run_of_a_process_that_works_here(store: Store) -> None:
    """Where the machine slept, its processes wake together; only one that is stopped loses it."""
    number = store.plans.add(plan(seeds=(0,)))
    here = this_process()
    with subprocess.Popen(["sleep", "60"]) as other:
        owner = replace(here, pid=other.pid, started=owners.start_of(other.pid) or 0.0)
        runs = [claimed(at(store, 1000.0), number, by).run for by in (here, owner)]
        woken = at(store, 90_000.0)
        assert woken.queue.claim(number, here) is None
        shown = f"{owner.label} on {owner.host}, process {other.pid}"
        assert woken.queue.elsewhere(number, here) == {shown: 1}
        other.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED | os.WNOWAIT)
        assert claimed(woken, number, here).run == runs[1]
        other.kill()
    assert woken.queue.claim(number, owner) is None


def test_a_failure_is_kept_with_reason_message_and_place(store: Store) -> None:
    number = store.plans.add(plan(seeds=(0,)))
    claim = claimed(store, number, Owner("desk", "boot", 1, 2.0, "worker 3"))
    store.queue.fail(claim, "diverged", "loss is nan at step 12\0" + "x" * 9000, steps=12)
    run = store.runs.show(claim.run)
    assert (run["state"], run["reason"], run["steps"]) == ("failed", "diverged", 12)
    assert run["message"].startswith("loss is nan at step 12?x")
    assert len(run["message"]) == 4000
    assert (run["owner_host"], run["owner_label"], run["lease_until"]) == ("desk", "worker 3", None)
