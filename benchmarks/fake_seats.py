"""Fake seats: a thread answers a conductor's tasks at once, with made-up (SYNTHETIC) results.

`benchmarks/growth.py` finishes studies with them and counts the messages that a conductor takes a
second. Conductor, queue, store and pipes are the real ones; no process is started and nothing is
trained.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from multiprocessing.connection import Connection, wait
from typing import Any

from rich.console import Console

from srbench.run import conductor as conductors
from srbench.run.conductor import Conductor, Options
from srbench.run.messages import Done, Progress, Ready, Stopped, Task, Trained
from srbench.run.progress import Terminal
from srbench.run.worker_processes import WorkerProcess
from srbench.store import Store
from srbench.study.plan import Plan


@dataclass(frozen=True)
class Rate:
    """What a conductor took, and the seconds of this process meanwhile."""

    messages: int
    wall_s: float
    cpu_s: float  # of this process: the thread of the seats is in it


class NoProcess:
    """In place of a worker's process."""

    exitcode = 0

    def kill(self) -> None:
        """Nothing is there to be killed."""

    def join(self, timeout: float | None = None) -> None:
        """It has ended already."""

    def is_alive(self) -> bool:
        return False


class Seats:
    """Every seat of a conductor; one thread serves all their pipes."""

    def __init__(self, plan: Plan, each: int) -> None:
        """`each` is the number of steps that a message reports; a run has several messages."""
        self.each, self.messages = each, 0
        self.steps = {p.variant.tree.model: (p.steps, p.trained) for p in plan.variants}
        self.images = {d.manifest: [i.name for i in d.images] for r, d in plan.datasets}
        self.epochs = int(plan.study.base.train["epochs"])
        self.pipes: list[Connection] = []
        self.closed = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def start(self, device: str, threads: int) -> WorkerProcess:
        """As `start_worker`."""
        ours, theirs = multiprocessing.Pipe()
        self._send(theirs, Ready())
        self.pipes.append(theirs)
        return WorkerProcess(device, NoProcess(), ours)  # type: ignore[arg-type]

    def _send(self, pipe: Connection, message: Any) -> None:
        pipe.send(message)
        self.messages += 1

    def _serve(self) -> None:
        while not self.closed:
            for pipe in wait(list(self.pipes), timeout=0.1):
                assert isinstance(pipe, Connection)
                try:
                    task = pipe.recv()
                    if isinstance(task, Task):
                        for message in self._run(task):
                            self._send(pipe, message)
                    elif task is None:
                        self.pipes.remove(pipe)
                except (EOFError, OSError):
                    self.pipes.remove(pipe)

    def _run(self, task: Task) -> Iterator[Progress | Trained | Done | Stopped]:
        """What a worker reports of one run."""
        steps, trained = self.steps[task.tree.model]
        per_epoch = max(1, steps // self.epochs)
        for first in range(0, steps if trained else 0, self.each):
            last = min(first + self.each, steps)
            points = [("loss_step", s, s / per_epoch, 0.1) for s in range(first + 1, last + 1)]
            ends = [s for s in range(first + 1, last + 1) if s % per_epoch == 0]
            points += [(name, s, s / per_epoch, 0.1) for name in ("loss", "lr") for s in ends]
            points += [("validate/psnr_y", s, s / per_epoch, 30.0) for s in ends[-1:]]
            yield Progress(task.run, last, steps, 0.1, tuple(points))
        noise = (hash((task.run, task.seed)) % 1000) / 2e4
        scores = tuple(
            (manifest, image, metric, 30.0 + noise)
            for manifest, _ in task.evaluate
            for image in self.images[manifest]
            for metric in task.metrics
        )
        done = Done(task.run, steps, 60.0, 1.0, None, None, None, scores)
        yield Trained(done)
        yield done


def work(
    plan: Plan, number: int, store: Store, seats: int, *, each: int, seconds: float = float("inf")
) -> Rate:
    """Have so many seats work on a stored plan, until it is done or for some seconds."""
    fake = Seats(plan, each)
    works = {p.variant.name: 1.0 for p in plan.variants}
    console = Console(file=StringIO())
    started, begun, cpu = conductors.start_worker, time.perf_counter(), time.process_time()
    conductors.start_worker = fake.start
    taken = 0

    class Counting(Conductor):
        def _take(self, worker: Any, message: Any) -> None:
            nonlocal taken
            taken += 1
            super()._take(worker, message)

    try:
        with Terminal(console, works, 1.0, plan.runs) as terminal:
            options = Options(("cpu",) * seats)
            conducted = Counting(plan, number, store, options, terminal, time.monotonic)
            conducted.conduct(lambda: time.perf_counter() - begun > seconds, lambda: None)
    finally:
        conductors.start_worker = started
        fake.closed = True
    return Rate(taken, time.perf_counter() - begun, time.process_time() - cpu)
