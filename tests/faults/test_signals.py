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
from contextlib import closing
from pathlib import Path

import conductors
import history
import kills
import pytest
import tiny
from conductors import Conductor

from srbench.core.numbers import plural

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("server")]

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SHOW_CURSOR = b"\x1b[?25h\n"
RUNNING = "select count(*) from runs where state = 'running'"


def test_signals_at_any_moment_stop_and_save_and_the_study_ends_in_the_same_bits(
    tmp_path: Path, undisturbed: history.Found
) -> None:
    folder, chance = tiny.lay_out(tmp_path, kills.STUDY), random.Random()
    in_conduct = 0
    for _ in range(int(os.environ.get("SRBENCH_SIGNALS", "8"))):
        child = conductors.run(folder, checkpoint_s=chance.choice(["0", "30"]))
        number = chance.choice([signal.SIGINT, signal.SIGTERM])
        child.until(chance.choice([child.has_begun, child.workers, child.workers]))
        time.sleep(chance.random() * 0.8)
        if child.poll() is None:
            os.killpg(child.pid, number)  # as a terminal or a batch system does
        code = child.wait()
        assert "Traceback" not in child.printed(), child.printed()
        if code == 0:
            break
        assert code in (CODES[number], -number), child.printed()  # -n: before our first line
        if "Go on with: srbench run tiny.yaml" in child.printed():
            in_conduct += 1
            assert history.rows(folder, RUNNING) == [(0,)]
            assert history.torn(folder) == []
        else:
            assert "Stopped" not in child.printed()
    assert in_conduct > 0
    assert conductors.run(folder).wait() == 0
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=lambda number: number.name)
def test_a_stop_while_scores_are_taken_is_quick_and_loses_no_training(
    tmp_path: Path, undisturbed: history.Found, number: signal.Signals
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    child = conductors.run(folder, checkpoint_s="30")
    tiny.wait_for(lambda: child.workers("scoring"))
    os.kill(child.pid, number)
    assert child.wait(20) == 143
    again = conductors.run(folder, checkpoint_s="30")
    assert again.wait() == 0, again.printed()
    assert history.check(folder, undisturbed) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=lambda number: number.name)
def test_a_signal_ends_a_plan_at_once(tmp_path: Path, number: signal.Signals) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    command = [sys.executable, "-m", "srbench", "plan", "tiny.yaml"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        time.sleep(1)  # while torch is imported, or networks are built
        process.send_signal(number)
        assert process.wait(5) == 143
        assert process.stdout is not None
        assert process.stdout.read() == b""


TWICE = """
import os, signal
from srbench.core.signals import exit_on_signal, stop_on_signal

with exit_on_signal(), stop_on_signal():
    os.kill(os.getpid(), signal.SIGINT)
    print("goes on", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_second_ctrl_c_gives_the_cursor_back() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", TWICE], stdout=theirs)
    assert process.wait(60) == 130
    assert os.read(ours, 100).replace(b"\r", b"") == b"goes on\n" + SHOW_CURSOR
    os.close(ours)
    os.close(theirs)


def put_to_sleep(folder: Path, child: Conductor) -> None:
    """Stop a conductor and its workers, while it has a run but no lock on the databases."""
    for _ in range(200):
        os.killpg(child.pid, signal.SIGSTOP)
        time.sleep(0.02)
        files = (folder / tiny.DB, folder / "db" / "optuna.sqlite")
        if all(map(is_free, files)) and history.rows(folder, RUNNING) != [(0,)]:
            return
        os.killpg(child.pid, signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError(f"never without a lock\n{child.printed()}")


def is_free(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file, timeout=0.01, isolation_level=None)) as connection:
            connection.execute("begin exclusive")
            connection.execute("rollback")
    except sqlite3.OperationalError:
        return False
    return True


@pytest.mark.parametrize("workers", ["sleep", "die"])
def test_a_conductor_that_slept_through_its_lease_is_fenced_and_ends_without_an_error(
    tmp_path: Path, undisturbed: history.Found, workers: str
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    sleeper = conductors.run(folder)
    tiny.wait_for(lambda: sleeper.workers("step"))
    put_to_sleep(folder, sleeper)
    [(held,)] = history.rows(folder, RUNNING)
    assert held > 0
    if workers == "die":
        for pid in sleeper.workers():
            conductors.kill(pid)
    awake = conductors.run(folder)
    assert awake.wait() == 0
    # alive, as far as anyone can tell, and within its lease
    assert history.rows(folder, RUNNING) == [(held,)]
    assert f"{plural(held, 'run')} not done yet: trained by srbench run on" in awake.printed()

    with closing(sqlite3.connect(folder / tiny.DB, timeout=60)) as connection:  # two minutes pass
        connection.execute("update runs set lease_until = 1 where state = 'running'")
        connection.commit()
    heir = conductors.run(folder)
    assert heir.wait() == 0, heir.printed()
    os.killpg(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait() == 0, sleeper.printed()
    assert "Traceback" not in sleeper.printed()
    assert workers == "die" or "a run was taken over by another srbench" in sleeper.printed()
    assert history.check(folder, undisturbed) == []


def test_an_orphan_that_takes_scores_leaves_the_checkpoints_of_its_heir_alone(
    tmp_path: Path, undisturbed: history.Found
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    child = conductors.run(folder)
    orphan = tiny.wait_for(lambda: child.workers("scoring"))[0]
    os.kill(orphan, signal.SIGSTOP)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    heir = conductors.run(folder)
    tiny.wait_for(lambda: heir.workers("step"))
    os.kill(orphan, signal.SIGCONT)
    tiny.wait_for(lambda: not conductors.alive(orphan))
    assert heir.wait() == 0, heir.printed()
    assert history.check(folder, undisturbed) == []


@pytest.mark.parametrize("victim", ["idle", "build"])
def test_a_worker_that_dies_while_it_gets_its_task_stops_nothing(
    tmp_path: Path, undisturbed: history.Found, victim: str
) -> None:
    folder = tiny.lay_out(tmp_path, kills.STUDY)
    child = conductors.run(folder)
    shot = 0
    for _ in range(3):
        tiny.wait_for(lambda: child.workers(victim) or child.poll() is not None)
        if child.poll() is None and (found := child.workers(victim)):
            conductors.kill(found[0])
            shot += 1
    assert shot > 0
    code = child.wait()
    assert "Traceback" not in child.printed()
    states = history.rows(folder, "select distinct state from v_runs")
    assert (code == 0) == (states == [("done",)]), child.printed()
    while code:
        child = conductors.run(folder)
        code = child.wait()
        assert code in (0, 1), child.printed()
    assert history.check(folder, undisturbed) == []
