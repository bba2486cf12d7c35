"""The harness is worth what it catches: bugs planted at run time, each to be caught by a trial.

    pytest tests/faults/test_planted_bugs.py -m campaign

A bug is planted where srbench meets a library or the system, or in a public method, in each
process that a trial starts. Trials without a bug are tests of their own.
"""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import os
import signal
import sqlite3.dbapi2
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import conductors
import history
import kills
import pytest
import tiny
from conductors import Bug
from test_races import compete


def stop_kill_and_go_on(folder: Path, undisturbed: history.Found, bug: Bug | None = None) -> None:
    """A study stopped by a signal, then killed after its first result, then done and judged."""
    tiny.lay_out(folder, kills.STUDY)
    command = conductors.run(folder, bug=bug)
    tiny.wait_for(lambda: command.workers("step"))
    os.kill(command.pid, signal.SIGTERM)
    assert command.wait(30) == 143, command.printed()

    command = conductors.run(folder, bug=bug)
    tiny.wait_for(lambda: any(c.op == "finish" and c.end for c in history.calls_of(folder)))
    workers = command.workers()
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    tiny.wait_for(lambda: not any(map(conductors.alive, workers)), 15)

    command = conductors.run(folder, bug=bug)
    assert command.wait() == 0, command.printed()
    assert history.check(folder, undisturbed) == []


@pytest.mark.campaign
def test_a_study_that_is_stopped_and_orphaned_goes_on(
    tmp_path: Path, undisturbed: history.Found
) -> None:
    stop_kill_and_go_on(tmp_path, undisturbed)


def transactions_begin_by_reading() -> None:
    class Driver(sqlite3.dbapi2.Connection):
        def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
            return super().execute(sql.replace("BEGIN IMMEDIATE", "BEGIN"), *more)

    connect = functools.partial(sqlite3.dbapi2.connect, factory=Driver)
    sqlite3.dbapi2.connect = sqlite3.connect = connect  # type: ignore[assignment]


def the_living_are_taken_for_dead() -> None:
    from srbench.store import owners

    starts = itertools.count()
    owners.start_of = lambda pid: float(next(starts))


def done_is_acknowledged_before_it_is_written() -> None:
    from srbench.store.measurements import Measurements

    finish = Measurements.finish

    def later(*arguments: Any) -> None:
        threading.Timer(1.0, finish, arguments).start()

    Measurements.finish = later  # type: ignore[method-assign]


def sigterm_is_ignored() -> None:
    handle = signal.signal

    def deaf(number: int, handler: Any) -> Any:
        return handle(number, signal.SIG_IGN if number == signal.SIGTERM else handler)

    signal.signal = deaf  # type: ignore[assignment]


def workers_outlive_their_conductor() -> None:
    if multiprocessing.current_process().daemon:
        sys.exit = lambda code=0: time.sleep(40)  # type: ignore[assignment]


def the_order_of_patches_is_not_seeded() -> None:
    import numpy as np

    from srbench.core.streams import Streams

    Streams.generator = lambda self, *name: np.random.default_rng()  # type: ignore[method-assign]


def the_optimizer_starts_anew() -> None:
    import torch

    torch.optim.Optimizer.load_state_dict = lambda self, state: None  # type: ignore


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("bug", "trial"),
    [
        (transactions_begin_by_reading, compete),
        (the_living_are_taken_for_dead, compete),
        (done_is_acknowledged_before_it_is_written, stop_kill_and_go_on),
        (sigterm_is_ignored, stop_kill_and_go_on),
        (workers_outlive_their_conductor, stop_kill_and_go_on),
        (the_order_of_patches_is_not_seeded, stop_kill_and_go_on),
        (the_optimizer_starts_anew, stop_kill_and_go_on),
    ],
)
def test_a_planted_bug_is_caught(
    tmp_path: Path, undisturbed: history.Found, bug: Bug, trial: Callable[..., None]
) -> None:
    with pytest.raises(AssertionError):
        trial(tmp_path, undisturbed, bug)
    printed = [file.read_text() for file in (tmp_path / "printed").iterdir()]
    assert all(conductors.PLANTED in text for text in printed), printed
