"""What is shown while a study runs: bars on a terminal, a line an event elsewhere."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny
from rich.console import Console

from srbench.core.numbers import duration
from srbench.run.progress import RunWork, Terminal
from srbench.run.request import RunProgress


@dataclass
class Claimed:
    """As much of a claim as the display reads."""

    run: int
    variants: tuple[str, ...] = ("plain",)
    seed: int = 0


@dataclass
class At:
    """As much of a message as the display reads."""

    step: int
    steps: int = 100
    loss: float = 0.25
    train_s: float = 61.0
    points: tuple[tuple[str, int, float, float], ...] = (("loss", 50, 0.5, 0.25),)


def shown(tell: Callable[[Terminal], None], *, terminal: bool = False, count: int = 2) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system=None)
    works = {"plain": RunWork(10.0), "[red]": RunWork(10.0)}
    with Terminal(console, works, 20.0, count) as display:
        tell(display)
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "unknown"), (0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"),
     (7500, "2 h 05 min"), (90000 * 3, "3 d 3 h"), (-1, "0 s")],
)  # fmt: skip
def test_durations_are_in_words(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_without_a_terminal_each_run_ends_with_a_line() -> None:
    def two_runs(display: Terminal) -> None:
        display.started(Claimed(1), 100)
        display.started(Claimed(2, ("[red]",), 1), 100)
        display.progressed(Claimed(1), At(50))
        display.scoring(Claimed(1))
        display.finished(Claimed(1), At(100))
        display.failed(Claimed(2), "diverged", "the loss is not finite\nand more")

    assert shown(two_runs) == [
        "plain, seed 0: done in 1 min 01 s (1 of 2)",
        "[red], seed 1: failed, diverged: the loss is not finite",
    ]


def test_a_callback_is_given_every_step_forward_and_every_end() -> None:
    seen: list[RunProgress] = []
    console = Console(file=io.StringIO())
    display = Terminal(console, {"plain": RunWork(10.0)}, 20.0, 2, on_progress=seen.append)
    for run in (1, 2):
        display.started(Claimed(run, seed=run), 100)
        display.progressed(Claimed(run, seed=run), At(50))
    display.finished(Claimed(1, seed=1), At(100))
    display.failed(Claimed(2, seed=2), "diverged", "the loss is not finite")
    assert [(one.seed, one.step, one.state, len(one.points)) for one in seen] == [
        (1, 50, "training", 1), (2, 50, "training", 1), (1, 100, "done", 0), (2, 50, "failed", 0),
    ]  # fmt: skip


def test_a_run_that_another_worker_takes_over_counts_once() -> None:
    def taken_over(display: Terminal) -> None:
        for run in (1, 2):
            display.started(Claimed(run), 100)
        display.started(Claimed(1), 100)
        display.finished(Claimed(1), At(100))

    assert shown(taken_over) == ["plain, seed 0: done in 1 min 01 s (1 of 2)"]


def test_a_resumed_run_names_its_step() -> None:
    def resumed(display: Terminal) -> None:
        display.started(Claimed(1), 4000)
        display.resumed(Claimed(1), 1200)
        display.stopped(Claimed(1), 1300)

    assert shown(resumed) == [
        "plain, seed 0: continues at step 1,200 of 4,000",
        "plain, seed 0: stopped at step 1,300 of 4,000, saved",
    ]


def test_the_time_expected_is_shown_until_a_run_has_advanced() -> None:
    now = 0.0
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None)
    works = {"plain": RunWork(10.0)}
    with Terminal(console, works, 20.0, 2, lambda: now, expected_s=90.0) as display:
        assert display.left_s() == 90.0
        display.started(Claimed(1), 100)
        now = 50.0
        display.progressed(Claimed(1), At(50))
        assert display.left_s() == 150.0
    assert "0 of 2 runs, about 1 min 30 s left; workers are starting" in out.getvalue()


def test_time_left_counts_what_is_done_here() -> None:
    def half(display: Terminal) -> None:
        display.begun -= 100  # seconds ago
        assert display.left_s() is None
        display.started(Claimed(1), 100)
        display.resumed(Claimed(1), 50)
        display.progressed(Claimed(1), At(100))
        assert display.left_s() == pytest.approx(100 * 15 / 5, rel=0.01)

    shown(half)


def test_time_left_counts_runs_that_a_search_finds_as_it_goes() -> None:
    def more(display: Terminal) -> None:
        display.begun -= 100
        for run in (1, 2, 3):  # two are worth the 20 that were foreseen
            display.started(Claimed(run), 100)
            display.progressed(Claimed(run), At(50))
        assert display.left_s() == pytest.approx(100, rel=0.01)

    shown(more)


def test_brackets_in_names_are_no_markup() -> None:
    def one(display: Terminal) -> None:
        display.started(Claimed(1, ("[red]",)), 100)
        display.progressed(Claimed(1, ("[red]",)), At(40))
        display.note("something about [bold]")

    text = "\n".join(shown(one, terminal=True, count=1))
    assert "[red], seed 0" in text
    assert "40 of 100 steps, loss 0.2500" in text
    assert "something about [bold]" in text


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_bars_move_and_the_summary_stays(tmp_path: Path) -> None:
    folder = tiny.lay_out(tmp_path)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "srbench", "run", "tiny.yaml", "--seeds", "1", "--workers", "1"],
        cwd=folder, env=tiny.environment(folder) | {"TERM": "xterm-256color"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    text = read_all(ours)
    assert process.wait(60) == 0
    assert "Traceback" not in text
    assert "study" in text
    assert "3 of 3 runs" in text
    assert "residual differs from plain by" in " ".join(text.split())
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")  # the cursor is there again


def read_all(terminal: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the other end was closed
            break
        if not part:
            break
        parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()


def test_a_study_lasts_as_long_as_its_longest_run() -> None:
    now = 0.0
    display = Terminal(Console(file=io.StringIO()), {"plain": RunWork(10.0)}, 20.0, 2, lambda: now)
    display.started(Claimed(1), 100)
    display.started(Claimed(2), 100)
    now = 100.0
    display.finished(Claimed(1), At(100))
    display.progressed(Claimed(2), At(50))
    assert display.left_s() == 100.0  # alone, not at the pace of two


def test_scoring_is_counted_and_is_part_of_the_time_left() -> None:
    now = 0.0
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None)
    works = {"plain": RunWork(10.0, 40.0)}
    with Terminal(console, works, 100.0, 2, lambda: now) as display:
        display.started(Claimed(1), 100)
        now = 10.0
        display.progressed(Claimed(1), At(100))
        assert display.left_s() == 90.0  # 40 of it until this run is scored, 50 of the other one
        display.scoring(Claimed(1))
        now = 30.0
        display.scored(Claimed(1), 2_000, 5_000)
        display.bars.refresh()
        assert display.left_s() == pytest.approx(30 * 74 / 26)
        now = 60.0
        display.finished(Claimed(1), At(100))
        assert display.left_s() == 60.0
    assert "scoring, 2,000 of 5,000 images, 30 s left" in out.getvalue()


def test_scores_that_were_missing_are_counted_and_are_no_run() -> None:
    def missing(display: Terminal) -> None:
        display.scored(Claimed(7), 5, 20)
        display.bars.refresh()
        display.scores_ended(Claimed(7))
        display.started(Claimed(1), 100)
        display.finished(Claimed(1), At(100))

    text = "\n".join(shown(missing, terminal=True))
    assert "scoring, 5 of 20 images" in text
    assert "1 of 2 runs" in text
