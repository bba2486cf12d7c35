"""Worker processes and what each is doing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import ModuleType
from typing import Any

from srbench.core.signals import STOPPING
from srbench.run import worker
from srbench.run.messages import Done, Task
from srbench.store import Lease, MissingScore
from srbench.train.device import CUBLAS

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # the most that glibc takes
    "MALLOC_TRIM_THRESHOLD_": str(8 * 2**30),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Keep a step's memory for the next step, in huge pages: else every step has its page faults.

Measured on CARN in bf16: 306 ms a step without, 250 with (`benchmarks/waterfall.py`).
"""


@dataclass
class WorkerProcess:
    """A worker process and what it is doing."""

    device: str
    process: SpawnProcess
    pipe: Connection
    ready: bool = False
    lease: Lease | None = None
    scoring: MissingScore | None = None
    task: Task | None = None  # as it was assigned
    trained: Done | None = None  # the claimed run, once only its scores are missing
    steps: int = 0  # that the claimed run has taken, as far as is known
    suspicion: str = ""  # what failed in a former worker, until this one is ready
    pruned: tuple[int, str] | None = None  # epoch and reason, once the run was asked to stop

    @property
    def busy(self) -> bool:
        return self.lease is not None or self.scoring is not None

    @property
    def idle(self) -> bool:
        return self.ready and not self.busy

    @property
    def ending(self) -> str:
        """How the process ended, in words."""
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"killed by signal {-code}"
        return f"exit code {code}"

    def assign(self, task: Task) -> None:
        """Give the worker a task."""
        self.task = task
        self.send(task)

    def send(self, message: Any) -> None:
        """Send the worker a message; if it has died, that shows where its pipe is read."""
        with suppress(OSError):
            self.pipe.send(message)

    def end(self) -> None:
        """End the process: by a message if it is ready, and by a kill if that does not help."""
        self.send(None)
        self.pipe.close()
        if not self.ready:
            self.process.kill()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def start_worker(device: str, threads: int) -> WorkerProcess:
    """Start a worker on a device."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker.main, args=(theirs, device, threads), daemon=True)
    with _environment(**surroundings_of(device, threads)), _signals_held(), _without_main():
        process.start()
    theirs.close()
    return WorkerProcess(device, process, ours)


def surroundings_of(device: str, threads: int) -> dict[str, str]:
    """Environment variables for a worker; those of the allocator only where the user set none."""
    found = {"OMP_NUM_THREADS": str(threads)}
    if device != "cpu":
        return found | CUBLAS
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return found
    return found | ALLOCATOR


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables for a process that is started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_main() -> Iterator[None]:
    """A process started inside does not execute the script that called us: it needs no guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _signals_held() -> Iterator[None]:
    """A process started inside never sees a stop, not even while it imports; ours sees it after."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        resource_tracker.ensure_running()  # its start lets two of the signals through
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
