"""Runs that are killed, interrupted, or go wrong: what is left is true, and goes on to the bit."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import termios
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
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
) -> None:
    assert killed(tmp_path, kills, checkpoint_s, random.Random()) == undisturbed


@pytest.mark.parametrize(
    "seed",
    [
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2)),
        *(pytest.param(seed, marks=pytest.mark.campaign) for seed in range(2, 10)),
    ],
)
def test_runs_killed_again_and_again_end_in_the_same_bits(
    tmp_path: Path, undisturbed: list[tuple[object, ...]], seed: int
) -> None:
    chance = random.Random(seed)
    kills = [chance.choice([kill_group, kill_conductor]) for _ in range(4)]
    kills[chance.randrange(4)] = kill_worker
    checkpoint_s = chance.choice(["0", "0.05", "0.3"])
    assert killed(tmp_path, kills, checkpoint_s, chance) == undisturbed


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


@pytest.mark.slow
def test_under_nohup_a_closed_terminal_stops_nothing() -> None:
    """nohup starts a command with SIGHUP ignored, and it stays so."""
    text = (
        "import os, signal; from srbench.core.signals import exit_on_signal, stop_on_signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with exit_on_signal(), stop_on_signal() as stop:\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "print(stop.number)"
    )
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "None\n"), ran.stderr


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


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.3, 1.5])
def test_an_early_interrupt_is_no_traceback(tmp_path: Path, after_s: float) -> None:
    folder = tiny.lay_out(tmp_path)
    process = tiny.start(folder, "run", "tiny.yaml")
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGINT)
    tiny.ended(process, 130)


@pytest.mark.slow
def test_an_interrupt_while_workers_start_is_no_traceback(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path)
    process = tiny.start(folder, "run", "tiny.yaml")
    tiny.wait_for(lambda: tiny.workers(process.pid))
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    tiny.ended(process, 130)


INTERRUPTS = int(os.environ.get("SRBENCH_INTERRUPTS", "300"))


@pytest.mark.campaign
def test_no_moment_of_a_run_is_bad_for_an_interrupt(tmp_path: Path) -> None:
    """SRBENCH_INTERRUPTS says how many; half of them before the first run, where imports are."""
    began = time.monotonic()
    tiny.srbench(tiny.lay_out(tmp_path / "whole"), "run", "tiny.yaml")
    whole = time.monotonic() - began
    chance, wrong, codes = random.Random(0), list[str](), Counter[int]()
    for number in range(INTERRUPTS):
        folder = tiny.lay_out(tmp_path / str(number))
        after_s = chance.uniform(0.05, whole / 2 if number % 2 else whole)
        process = tiny.start(folder, "run", "tiny.yaml")
        with suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            said = process.communicate(timeout=60)[0]
        except subprocess.TimeoutExpired:
            kill_group(process)
            said = "it hangs"
        codes[process.returncode] += 1
        before_us = process.returncode == -signal.SIGINT  # Python had not reached our first line
        if (process.returncode not in (0, 130) and not before_us) or "Traceback" in said:
            wrong.append(f"after {after_s:.2f} s, exit {process.returncode}: {said[-2000:]}")
            print(wrong[-1], flush=True)
        shutil.rmtree(folder)
        if number % 10 == 9:
            print(f"{number + 1} of {INTERRUPTS}: {dict(codes)}", flush=True)
    assert wrong == []
    assert codes[130] > 0.8 * INTERRUPTS
