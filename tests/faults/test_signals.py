"""Signals at any moment, processes that sleep too long, workers that die in inconvenient places."""

from __future__ import annotations

import os
import pty
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import history
import kills
import kills_phases
import pytest
import tiny
from kills_nursery import Child, Nursery

pytestmark = pytest.mark.slow

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SHOW_CURSOR = b"\x1b[?25h"


def start(nursery: Nursery, folder: Path, *more: str, checkpoint_s: str = "0") -> Child:
    options = ("run", "tiny.yaml", "--workers", "2", "--checkpoint-s", checkpoint_s)
    return nursery.start(folder, *options, *more)


def phase(folder: Path, child: Child) -> str:
    file = folder / "trace" / f"{child.pid}-conductor-{child.pid}"
    return kills_phases.read(file) if file.exists() else "import"


def workers(folder: Path, child: Child) -> list[int]:
    found = (folder / "trace").glob(f"{child.pid}-worker-*")
    return [pid for pid in (int(f.name.rpartition("-")[2]) for f in found) if kills.alive(pid)]


def in_phase(folder: Path, child: Child, name: str) -> list[int]:
    """The workers of a conductor that are in this phase."""
    files = {pid: folder / "trace" / f"{child.pid}-worker-{pid}" for pid in workers(folder, child)}
    return [pid for pid, file in files.items() if kills_phases.read(file) == name]


def is_under_way(folder: Path, child: Child) -> bool:
    return phase(folder, child) != "import" or child.poll() is not None


def has_workers(folder: Path, child: Child) -> bool:
    return bool(workers(folder, child)) or child.poll() is not None


def test_signals_at_any_moment_stop_and_save_and_the_study_ends_in_the_same_bits(
    tmp_path: Path, nursery: Nursery, undisturbed: history.Found
) -> None:
    folder, chance = tiny.lay_out(tmp_path, kills.STUDY), random.Random()
    in_conduct = 0
    for _ in range(int(os.environ.get("SRBENCH_SIGNALS", "8"))):
        child = start(nursery, folder, checkpoint_s=chance.choice(["0", "30"]))
        number = chance.choice([signal.SIGINT, signal.SIGTERM])
        tiny.wait_for(partial(is_under_way, folder, child))
        if chance.random() < 0.7:
            tiny.wait_for(partial(has_workers, folder, child))
        time.sleep(chance.random() * 0.8)
        if child.poll() is None:
            os.killpg(child.pid, number)  # as a terminal or a batch system does
        code = child.wait()
        assert "Traceback" not in child.said(), child.said()
        if code == 0:
            break
        assert code in (CODES[number], -number), child.said()  # -n: before our first line
        if "Go on with: srbench run tiny.yaml" in child.said():
            in_conduct += 1
            running = "select count(*) from runs where state = 'running'"
            assert history.rows(folder, running) == [(0,)]
            assert history.torn(folder) == []
        else:
            assert "Stopped" not in child.said()
    assert in_conduct > 0
    assert start(nursery, folder).wait() == 0
    assert history.check(folder, undisturbed) == []
    assert history.rows(folder, "select distinct attempt from runs") == [(1,)]


IN_A_FINALIZER = """
import gc, os, signal, sys, weakref
from srbench.core.signals import exit_on_signal

class Kept:
    def __del__(self):
        if sys.argv[1] == "finalizer":
            os.kill(os.getpid(), signal.SIGTERM)

def called_back(reference):
    if sys.argv[1] == "callback":
        os.kill(os.getpid(), signal.SIGTERM)

with exit_on_signal():
    kept = Kept()
    reference = weakref.ref(kept, called_back)
    del kept
    print("went on")
"""


@pytest.mark.parametrize("where", ["finalizer", "callback"])
def test_a_signal_where_python_drops_what_is_raised_ends_the_command_all_the_same(
    where: str,
) -> None:
    command = [sys.executable, "-c", IN_A_FINALIZER, where]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (process.returncode, process.stdout, process.stderr) == (143, "", "")


def test_a_stop_while_scores_are_taken_is_quick_and_loses_no_training(
    tmp_path: Path, nursery: Nursery, undisturbed: history.Found
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    child = start(nursery, folder, checkpoint_s="30")
    tiny.wait_for(lambda: in_phase(folder, child, "scoring"))
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait(20) == 143
    again = start(nursery, folder, checkpoint_s="30")
    assert again.wait() == 0, again.said()
    assert history.check(folder, undisturbed) == []


def test_a_second_ctrl_c_gives_the_cursor_back(tmp_path: Path) -> None:
    text = kills.STUDY.replace(
        "epochs: 4, batch: 4,", "epochs: 4, batch: 4, loss: {patient: {ms: 6000}},"
    )
    folder = tiny.lay_out(tmp_path, text)
    tiny.plug_in(folder)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "srbench", "run", "tiny.yaml", "--workers", "1"]
    process = subprocess.Popen(
        command, cwd=folder, env=tiny.environment(folder) | {"TERM": "xterm"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.set_blocking(ours, False)
    shown = b""

    def read() -> bytes:
        nonlocal shown
        with suppress(OSError):  # nothing there yet, or no writer any more
            shown += os.read(ours, 65536)
        return shown

    query = "select 1 from runs where state = 'running' and steps = 0"
    tiny.wait_for(lambda: read() and (folder / tiny.DB).exists() and has(folder, query))
    pids = tiny.workers(process.pid)
    time.sleep(1.0)
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.5)
    read()
    assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(2) == 130
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    after = read()
    os.close(ours)
    assert after.rindex(SHOW_CURSOR) > after.rindex(b"\x1b[?25l")


def put_to_sleep(folder: Path, child: Child) -> None:
    """Stop a conductor and its workers, while it has a run but no lock on the databases."""
    for _ in range(200):
        os.killpg(child.pid, signal.SIGSTOP)
        time.sleep(0.02)
        files = (folder / tiny.DB, folder / "db" / "optuna.sqlite")
        held = has(folder, "select 1 from runs where state = 'running'")
        if held and all(is_free(file) for file in files):
            return
        os.killpg(child.pid, signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError(f"never without a lock\n{child.said()}")


def is_free(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file, timeout=0.01, isolation_level=None)) as connection:
            connection.execute("begin exclusive")
            connection.execute("rollback")
    except sqlite3.OperationalError:
        return False
    return True


def has(folder: Path, query: str) -> bool:
    try:
        with closing(sqlite3.connect(folder / tiny.DB, timeout=1)) as connection:
            return bool(connection.execute(query).fetchall())
    except sqlite3.OperationalError:
        return False


def test_a_conductor_that_slept_through_its_lease_is_fenced_and_ends_in_peace(
    tmp_path: Path, nursery: Nursery, undisturbed: history.Found
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    sleeper = start(nursery, folder)
    tiny.wait_for(lambda: in_phase(folder, sleeper, "step"))
    put_to_sleep(folder, sleeper)
    held = history.rows(folder, "select count(*) from runs where state = 'running'")[0][0]
    assert held > 0
    awake = start(nursery, folder)
    assert awake.wait() == 0
    left = history.rows(folder, "select count(*) from runs where state = 'running'")
    assert left == [(held,)]  # alive, as far as anyone can tell, and within its lease
    assert f"{held} more runs are being trained by another srbench run" in awake.said()

    with closing(sqlite3.connect(folder / tiny.DB, timeout=60)) as connection:  # two minutes pass
        connection.execute("update runs set lease_until = 1 where state = 'running'")
        connection.commit()
    heir = start(nursery, folder)
    assert heir.wait() == 0, heir.said()
    os.killpg(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait() == 0, sleeper.said()
    assert "a run was taken over by another srbench; leaving it to them" in sleeper.said()
    assert "Traceback" not in sleeper.said()
    assert history.check(folder, undisturbed) == []


def test_a_worker_that_died_before_its_conductor_woke_up_fenced_is_no_traceback(
    tmp_path: Path, nursery: Nursery, undisturbed: history.Found
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    sleeper = start(nursery, folder)
    tiny.wait_for(lambda: in_phase(folder, sleeper, "step"))
    put_to_sleep(folder, sleeper)
    for pid in workers(folder, sleeper):
        kills.kill(pid)
    with closing(sqlite3.connect(folder / tiny.DB, timeout=60)) as connection:
        connection.execute("update runs set lease_until = 1 where state = 'running'")
        connection.commit()
    assert start(nursery, folder).wait() == 0
    os.killpg(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait() == 0, sleeper.said()
    assert "Traceback" not in sleeper.said()
    assert history.check(folder, undisturbed) == []


def test_an_orphan_that_takes_scores_leaves_the_checkpoints_of_its_heir_alone(
    tmp_path: Path, nursery: Nursery, undisturbed: history.Found
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    child = start(nursery, folder)
    orphan = tiny.wait_for(lambda: in_phase(folder, child, "scoring"))[0]
    os.kill(orphan, signal.SIGSTOP)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    heir = start(nursery, folder)
    tiny.wait_for(lambda: in_phase(folder, heir, "step"))
    os.kill(orphan, signal.SIGCONT)
    tiny.wait_for(lambda: not kills.alive(orphan))
    assert heir.wait() == 0, heir.said()
    assert history.check(folder, undisturbed) == []


@pytest.mark.parametrize("victim", ["idle", "build"])
def test_a_worker_that_dies_while_it_gets_its_task_stops_nothing(
    tmp_path: Path, nursery: Nursery, undisturbed: history.Found, victim: str
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    child = start(nursery, folder)
    shot = 0
    for _ in range(3):
        tiny.wait_for(lambda: in_phase(folder, child, victim) or child.poll() is not None)
        if child.poll() is None and (found := in_phase(folder, child, victim)):
            kills.kill(found[0])
            shot += 1
    assert shot > 0
    code = child.wait()
    assert "Traceback" not in child.said()
    assert (code == 0) == (states(folder) == [("done",)]), child.said()
    while code:
        child = start(nursery, folder)
        code = child.wait()
        assert code in (0, 1), child.said()
    assert history.check(folder, undisturbed) == []


def states(folder: Path) -> history.Found:
    return history.rows(folder, "select distinct state from v_runs")
