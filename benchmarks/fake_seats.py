"""Fake seats: a thread answers a conductor's tasks at once, with made-up (SYNTHETIC) results.

`benchmarks/growth.py` finishes studies with them and counts the messages that a conductor takes a
second. Conductor, queue, store and pipes are the real ones; no process is started and nothing is
trained.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from multiprocessing.connection import Connection, wait
from typing import Any

from rich.console import Console

from srbench.core.devices import machine
from srbench.run.conductor import Conductor, Options
from srbench.run.messages import Done, Progress, Ready, Stopped, Task, Trained
from srbench.run.progress import RunWork, Terminal
from srbench.store import Store
from srbench.study.plan import Plan


@dataclass(frozen=True)
class Rate:
    """What a conductor took, and the seconds of this process meanwhile."""

    messages: int
    wall_s: float
    cpu_s: float  # of this process: the thread of the seats is in it


@dataclass
class Seat:
    """One end of a pipe, and no worker."""

    pipe: Connection
    device: str = "cpu"
    ending: str = "closed"
    lost: bool = False

    def send(self, message: Any) -> None:
        with suppress(OSError):
            self.pipe.send(message)

    def kill(self) -> None:
        self.pipe.close()

    def end(self, *, ready: bool) -> None:
        self.pipe.close()


class FakeSeats:
    """So many seats; one thread serves all their pipes."""

    starts = 2
    devices = ()

    def __init__(self, plan: Plan, count: int, each: int) -> None:
        """`each` is the number of steps that a message reports."""
        self.count, self.each = count, each
        self.steps = {p.variant.tree.model: (p.steps, p.trained) for p in plan.variants}
        self.images = {d.manifest: [i.name for i in d.images] for _, d in plan.datasets}
        self.epochs = int(plan.study.base.train["epochs"])
        self.pipes: list[Connection] = []
        self.closed = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __str__(self) -> str:
        return f"{self.count} fake seats"

    def capacity(self) -> int:
        return self.count

    def hire(self, taken: Collection[str]) -> Seat:
        ours, theirs = multiprocessing.Pipe()
        theirs.send(Ready(machine("cpu")))
        self.pipes.append(theirs)
        return Seat(ours)

    def again(self, seat: Any) -> Seat:
        raise AssertionError("a fake seat does not fail")

    def lend_images(self, seat: Any) -> bool:
        return False

    def give_up(self, seat: Any, *, device: bool) -> bool:
        raise AssertionError("a fake seat does not fail")

    def _serve(self) -> None:
        while not self.closed:
            for pipe in wait(list(self.pipes), timeout=0.1):
                assert isinstance(pipe, Connection)
                try:
                    task = pipe.recv()
                    if isinstance(task, Task):
                        for message in self._run(task):
                            pipe.send(message)
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
    fake = FakeSeats(plan, seats, each)
    works = {p.variant.name: RunWork(1.0) for p in plan.variants}
    begun, cpu = time.perf_counter(), time.process_time()
    taken = 0

    class Counting(Conductor):
        def _take(self, worker: Any, message: Any) -> None:
            nonlocal taken
            taken += 1
            super()._take(worker, message)

    with Terminal(Console(file=StringIO()), works, 1.0, plan.runs) as terminal:
        conductor = Counting(plan, number, store, Options(fake), terminal, time.monotonic)
        conductor.conduct(lambda: time.perf_counter() - begun > seconds, lambda: None)
    fake.closed = True
    return Rate(taken, time.perf_counter() - begun, time.process_time() - cpu)
