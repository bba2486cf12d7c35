"""Runs that are killed, interrupted, or go wrong: what is left is true, and goes on to the bit."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import select
import signal
import sqlite3
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import tiny

from srbench.core.signals import WARNINGS

STEPS = 40  # of a run
TOTAL = 2 * STEPS

SLOW = tiny.STUDY
for old, new in {
    "patches: 12": "patches: 40",
    "epochs: 3, batch: 4,": "epochs: 4, batch: 4, loss: {patient: {ms: 10}},",
    "seeds: 2": "seeds: 1",
    "validations: 3": "validations: 2",
    "interpolations: [bicubic]": "interpolations: []",
}.items():
    assert old in SLOW
    SLOW = SLOW.replace(old, new)

Process = subprocess.Popen[str]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    folder = slow_study(tmp_path_factory.mktemp("undisturbed"))
    tiny.srbench(folder, "run", "tiny.yaml")
    found = outcome(folder)
    assert len(found) > 2 * (STEPS + 4 + 4 + 2 + 2)
    return found


def slow_study(folder: Path) -> Path:
    tiny.plug_in(folder)
    return tiny.lay_out(folder, SLOW)


def outcome(folder: Path) -> list[tuple[object, ...]]:
    """Every point of every curve, every score and the weights, exactly."""
    curves = "select variant, seed, name, step, epoch, value from v_curves order by 1, 2, 3, 4"
    scores = "select variant, seed, image, metric, value from v_scores order by 1, 2, 3, 4"
    weights = "select fingerprint, seed, state, steps, weights_sha256 from runs order by 1, 2"
    return [row for query in (curves, scores, weights) for row in tiny.rows(folder, query)]


def progress(folder: Path) -> int:
    """Steps that are saved, over all runs."""
    done = 0
    for run in (folder / "db" / "runs").glob("*/0"):
        saved = [int(path.stem) for path in run.glob("*.checkpoint")]
        whole = (run / "weights.safetensors").exists()
        done += STEPS if whole else max(saved, default=0)
    return done


def is_running(folder: Path) -> bool:
    try:
        return bool(tiny.rows(folder, "select 1 from runs where state = 'running'"))
    except sqlite3.OperationalError:  # no database yet, or no tables
        return False


def at_a_random_step(process: Process, folder: Path, chance: random.Random, to: int) -> None:
    """Wait until the command has come to a step that is drawn."""
    step = chance.randint(progress(folder) + 1, to)
    tiny.wait_for(lambda: progress(folder) >= step or process.poll() is not None)
    time.sleep(chance.random() * 0.02)  # anywhere within a step
    print(f"drawn: step {step} of {TOTAL}; saved: {progress(folder)}")


def kill_group(process: Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def kill_conductor(process: Process) -> None:
    """Its workers are to notice, and end."""
    pids = tiny.workers(process.pid)
    assert pids
    process.kill()
    process.communicate()
    tiny.wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 20)


def kill_a_worker_that_starts(process: Process) -> None:
    os.kill(tiny.wait_for(lambda: tiny.workers(process.pid))[0], signal.SIGKILL)


def kill_worker(process: Process) -> None:
    for pid in tiny.workers(process.pid):
        os.kill(pid, signal.SIGKILL)


def run(folder: Path, checkpoint_s: str, *options: str) -> Process:
    chosen = ("--workers", "1", "--checkpoint-s", checkpoint_s, *options)
    return tiny.start(folder, "run", "tiny.yaml", *chosen)


def killed(
    folder: Path,
    kills: Sequence[Callable[[Process], None]],
    checkpoint_s: str,
    chance: random.Random,
) -> list[tuple[object, ...]]:
    """Run the study, killed in these ways at random steps, then to its end."""
    slow_study(folder)
    process = run(folder, checkpoint_s)
    for n, kill in enumerate(kills, 1):
        if kill is not kill_a_worker_that_starts:
            at_a_random_step(process, folder, chance, TOTAL * n // (len(kills) + 1))
        print(kill.__name__)
        kill(process)
        if kill is kill_conductor:  # whose workers delete what they shared
            assert list((folder / "temporary").glob("srbench-pixels-*/*")) == []
        if kill in (kill_group, kill_conductor):
            process = run(folder, checkpoint_s)
    tiny.ended(process, 0)
    assert tiny.rows(folder, "select distinct attempt, state from runs") == [(1, "done")]
    return outcome(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("checkpoint_s", "kills"),
    [("0", [kill_group, kill_worker]), ("0.15", [kill_a_worker_that_starts, kill_conductor])],
)
def test_a_killed_run_goes_on_to_the_same_bits(
    tmp_path: Path,
    undisturbed: list[tuple[object, ...]],
    kills: Sequence[Callable[[Process], None]],
    checkpoint_s: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    assert killed(tmp_path, kills, checkpoint_s, random.Random()) == undisturbed


@pytest.mark.slow
def test_an_interrupted_run_is_saved_and_goes_on_to_the_same_bits(
    tmp_path: Path, undisturbed: list[tuple[object, ...]]
) -> None:
    folder, chance = slow_study(tmp_path), random.Random()
    process = run(folder, "0", "--only", "res*", "--set", "data.eval=[{folder: {path: photos}}]")
    at_a_random_step(process, folder, chance, STEPS // 2)
    os.killpg(process.pid, signal.SIGINT)  # Ctrl-C reaches the workers too
    said = tiny.ended(process, 130)
    assert "Go on with: srbench run tiny.yaml --workers 1 --checkpoint-s 0 --only 'res*'" in said
    assert "--set 'data.eval=[{folder: {path: photos}}]'\n" in said
    assert "2 runs are left" in said
    found = tiny.rows(folder, "select state, steps from runs where state = 'interrupted'")
    assert found == [("interrupted", progress(folder))]

    process = run(folder, "30")
    tiny.wait_for(lambda: is_running(folder))
    time.sleep(chance.random())
    process.terminate()
    assert "Stopped and saved" in tiny.ended(process, 143)

    tiny.srbench(folder, "run", "tiny.yaml")
    assert outcome(folder) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("warning", WARNINGS)
def test_a_batch_systems_warning_saves_and_stops_as_sigterm_does(
    tmp_path: Path, undisturbed: list[tuple[object, ...]], warning: int
) -> None:
    folder = slow_study(tmp_path)
    process = run(folder, "30")
    tiny.wait_for(lambda: is_running(folder))
    for _ in range(2):  # srun may send it to each process of a job, and again
        os.killpg(process.pid, warning)
    assert "Stopped and saved; 2 runs are left. Go on with: srbench run" in tiny.ended(process, 143)
    found = tiny.rows(folder, "select state, steps from runs where state = 'interrupted'")
    assert found == [("interrupted", progress(folder))]
    tiny.srbench(folder, "run", "tiny.yaml")
    assert outcome(folder) == undisturbed


@pytest.mark.slow
def test_a_closed_terminal_saves_and_stops(tmp_path: Path) -> None:
    folder = slow_study(tmp_path)
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "srbench", "run", "tiny.yaml", "--workers", "1"]
    process = subprocess.Popen(
        line, cwd=folder, env=tiny.environment(folder), stdin=theirs, stdout=theirs, stderr=theirs,
        preexec_fn=own_terminal,
    )  # fmt: skip
    os.close(theirs)
    reader = threading.Thread(target=drain, args=(ours, lambda: is_running(folder)))
    reader.start()
    reader.join()  # the run is under way, and the terminal is closed: the system sends SIGHUP
    assert process.wait(60) == 128 + signal.SIGHUP
    [(state, steps)] = tiny.rows(folder, "select state, steps from runs where steps > 0")
    assert (state, steps) == ("interrupted", progress(folder))


def own_terminal() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may run under nohup
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def drain(terminal: int, until: Callable[[], bool]) -> None:
    """Read what a terminal shows, for a while, and close it."""
    while not until():
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 65536)
    os.close(terminal)


@pytest.mark.slow
def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path, SLOW.replace("ms: 10", "ms: 8000"))
    tiny.plug_in(folder)
    process = run(folder, "30")
    tiny.wait_for(lambda: is_running(folder))
    pids = tiny.workers(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # it waits for the step to end
    os.killpg(process.pid, signal.SIGINT)
    process.wait(2)
    for pid in pids:  # they end after their step, which the test does not wait for
        os.kill(pid, signal.SIGKILL)
    tiny.ended(process, 130)


def starts(process: Process) -> None:
    time.sleep(0.3)


def imports(process: Process) -> None:
    time.sleep(1.5)


def starts_workers(process: Process) -> None:
    tiny.wait_for(lambda: tiny.workers(process.pid))
    time.sleep(0.3)


@pytest.mark.slow
@pytest.mark.parametrize("until", [starts, imports, starts_workers])
def test_an_early_interrupt_is_no_traceback(
    tmp_path: Path, until: Callable[[Process], None]
) -> None:
    process = tiny.start(tiny.lay_out(tmp_path), "run", "tiny.yaml")
    until(process)
    os.killpg(process.pid, signal.SIGINT)
    tiny.ended(process, 130)
