"""A study's progress: live bars on a terminal or in a notebook, plain lines elsewhere."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from srbench.core.numbers import duration
from srbench.run.request import RunProgress, ignore

QUIET_S = 30.0  # between two plain lines of one run
EVERY_S = 1.0  # between two states of a notebook's cell
PRE = '<pre style="line-height:1.3;overflow-x:auto">{code}</pre>'


@dataclass(frozen=True)
class RunWork:
    """What one run takes, in a unit that all runs of a study share."""

    training: float
    scoring: float = 0.0


@dataclass
class _Row:
    """One run on the display."""

    name: str
    steps: int
    work: RunWork  # of the whole run
    task: TaskID
    begun: float  # what is under way: training, then scoring
    shown_at: float
    first: int = 0  # step that it was resumed at
    step: int = 0
    images: int = 0  # scored
    of_images: int = 0

    @property
    def trained(self) -> float:
        """The share of the training that was done here."""
        return (self.step - self.first) / self.steps if self.steps else 0.0

    @property
    def done(self) -> float:
        """The work that was done here."""
        scored = self.images / self.of_images if self.of_images else 0.0
        return self.work.training * self.trained + self.work.scoring * scored

    def left_s(self, now: float) -> float | None:
        """Seconds to its end at its own pace; None before the first step or image."""
        if self.of_images:
            images = self.of_images - self.images
            return (now - self.begun) / self.images * images if self.images else None
        if self.trained <= 0:
            return None
        left = (self.steps - self.step) / self.steps
        if self.work.training > 0:
            left += self.work.scoring / self.work.training
        return (now - self.begun) / self.trained * left


class Terminal:
    """A watcher that draws one bar for the study and one for each run under way."""

    def __init__(
        self,
        console: Console,
        works: Mapping[str, RunWork],
        total: float,
        runs: int,
        now: Callable[[], float] = time.monotonic,
        on_progress: Callable[[RunProgress], None] = ignore,
        expected_s: float | None = None,
    ) -> None:
        """`works` is each variant's work of one run; `total` what is left of the study.

        `expected_s` is the time left that is shown until a run has advanced.
        """
        self.now, self.begun, self.on_progress = now, now(), on_progress
        self.expected_s = expected_s
        self.cell = Cell() if console.is_jupyter else None
        self.console, self.works, self.total = console, works, max(total, 1e-9)
        self.count = self.left = runs
        usual = next(iter(works.values()), RunWork(0.0))
        self.usual = RunWork(usual.training)  # of runs that a search finds, which are not scored
        self.done_work = 0.0  # of runs that have ended
        self.rows: dict[int, _Row] = {}
        self.bars = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[state]}"),
            console=console,
            refresh_per_second=4,
            disable=not console.is_terminal,  # plain lines instead
        )
        about = f", about {duration(expected_s)} left" if expected_s is not None else ""
        state = f"0 of {runs} runs{about}; workers are starting"
        self.whole = self.bars.add_task("study", total=1.0, state=state)

    def __enter__(self) -> Terminal:
        self.bars.start()
        return self

    def __exit__(self, *problem: object) -> None:
        if self.cell is not None:
            self.cell.show(self.bars.get_renderable(), last=True)
        self.bars.stop()

    def started(self, lease: Any, steps: int) -> None:
        name = f"{lease.variants[0]}, seed {lease.seed}" if steps else lease.variants[0]
        work = self.works.get(lease.variants[0], self.usual)
        former = self.rows.pop(lease.run, None)  # before its worker or its device was lost
        if former is not None:
            self.bars.remove_task(former.task)
        if len(self.rows) >= self.left:  # more than was foreseen
            self.count, self.left = self.count + 1, self.left + 1
            self.total += work.training + work.scoring
        task = self.bars.add_task(
            f"  {escape(name)}", total=steps, visible=steps > 0, state="starting"
        )
        self.rows[lease.run] = _Row(name, steps, work, task, self.now(), self.now())

    def resumed(self, lease: Any, step: int) -> None:
        row = self.rows[lease.run]
        row.first = row.step = step
        row.begun = self.now()
        self._line(f"{row.name}: continues at step {step:,} of {row.steps:,}")

    def progressed(self, lease: Any, message: Any) -> None:
        row = self.rows[lease.run]
        row.step = message.step
        now = self.now()
        left_s = row.left_s(now)
        left = f"{duration(left_s)} left" if left_s is not None else ""
        state = f"{message.step:,} of {message.steps:,} steps, loss {message.loss:.4f}, {left}"
        self.bars.update(row.task, completed=message.step, state=state)
        self._show_whole()
        self._tell(lease, "training", message.points)
        self._line_now_and_then(row, state)

    def scoring(self, lease: Any) -> None:
        row = self.rows[lease.run]
        row.step, row.begun = row.steps, self.now()
        self.bars.update(row.task, completed=row.steps, state="scoring")

    def scored(self, run: Any, images: int, of: int) -> None:
        """Show how many images are scored, of a run under way or of one that lacks scores."""
        now = self.now()
        row = self.rows.get(run.run)
        if row is None:
            name = f"{run.variants[0]}, seed {run.seed}"
            task = self.bars.add_task(f"  {escape(name)}", total=of, state="")
            row = self.rows[run.run] = _Row(name, 0, RunWork(0.0), task, now, now)
        row.images, row.of_images = images, of
        left = f", {duration(row.left_s(now))} left" if images else ""
        state = f"scoring, {images:,} of {of:,} images{left}"
        self.bars.update(row.task, total=of, completed=images, visible=True, state=state)
        self._show_whole()
        self._line_now_and_then(row, state)

    def scores_ended(self, run: Any) -> None:
        """A run that lacked scores has them, or cannot have them."""
        row = self.rows.pop(run.run, None)
        if row is not None:
            self.bars.remove_task(row.task)

    def finished(self, lease: Any, done: Any) -> None:
        row = self._end(lease, "done")
        took = f" in {duration(done.train_s)}" if row.steps else ""
        self._line(f"{row.name}: done{took} ({self.count - self.left} of {self.count})")

    def failed(self, lease: Any, reason: str, message: str) -> None:
        row = self._end(lease, "failed")
        first = next(iter(message.splitlines()), "")
        self._line(f"{row.name}: failed, {reason}: {first}", always=True)

    def pruned(self, lease: Any, why: str) -> None:
        row = self._end(lease, "pruned")
        self._line(f"{row.name}: pruned, {why}")

    def stopped(self, lease: Any, step: int) -> None:
        row = self.rows[lease.run]
        self._line(f"{row.name}: stopped at step {step:,} of {row.steps:,}, saved", always=True)

    def note(self, text: str) -> None:
        self._line(text, always=True)

    def left_s(self) -> float | None:
        """Seconds the study still takes at its pace so far; at least those of any run under way."""
        done, now = self._done(), self.now()
        if done <= 0:
            return self.expected_s
        at_this_pace = (now - self.begun) * (self.total - done) / done
        return max(at_this_pace, *(r.left_s(now) or 0.0 for r in self.rows.values()), 0.0)

    def _tell(self, lease: Any, state: Any, points: Any = ()) -> None:
        row, name = self.rows[lease.run], lease.variants[0]
        step = row.steps if state == "done" else row.step
        self.on_progress(
            RunProgress(name, lease.seed, lease.run, step, row.steps, state, tuple(points))
        )

    def _done(self) -> float:
        """The work that was done here."""
        return self.done_work + sum(row.done for row in self.rows.values())

    def _end(self, lease: Any, state: Any) -> _Row:
        self._tell(lease, state)
        row = self.rows.pop(lease.run)
        self.left -= 1
        share = 1 - row.first / row.steps if row.steps else 1.0
        self.done_work += row.work.training * share + row.work.scoring
        self.bars.remove_task(row.task)
        self._show_whole()
        return row

    def _show_whole(self) -> None:
        left = self.left_s()
        state = f"{self.count - self.left} of {self.count} runs"
        state += f", {duration(left)} left" if left is not None and self.left else ""
        self.bars.update(self.whole, completed=min(self._done() / self.total, 1.0), state=state)
        if self.cell is not None:
            self.cell.show(self.bars.get_renderable())

    def _line_now_and_then(self, row: _Row, state: str) -> None:
        if self.now() - row.shown_at > QUIET_S:
            row.shown_at = self.now()
            self._line(f"{row.name}: {state}; study {duration(self.left_s())} left")

    def _line(self, text: str, *, always: bool = False) -> None:
        if always or not (self.console.is_terminal or self.cell):
            self.console.print(Text(text), soft_wrap=True)


class Cell:
    """One output of the cell that is being executed."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now, self.shown = now, float("-inf")
        self.ipython: Any = import_module("IPython.display")
        self.handle = self.ipython.display(self.ipython.HTML(""), display_id=True)

    def show(self, content: RenderableType, *, last: bool = False) -> None:
        """Show this in place of what is there; at most once a second, but for the last."""
        if not last and self.now() - self.shown < EVERY_S:
            return
        self.shown = self.now()
        console = Console(file=io.StringIO(), record=True, width=100, force_jupyter=False)
        console.print(content)
        html = console.export_html(inline_styles=True, code_format=PRE)
        self.handle.update(self.ipython.HTML(html))
