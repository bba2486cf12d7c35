"""Seats of this machine: worker processes on its devices."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from srbench.core.devices import Machine, machine
from srbench.core.numbers import plural
from srbench.core.signals import STOPPING
from srbench.run import worker
from srbench.run.seats import Seat
from srbench.train.device import CUBLAS

if TYPE_CHECKING:
    from srbench.study.plan import Plan

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # the most that glibc takes
    "MALLOC_TRIM_THRESHOLD_": str(8 * 2**30),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Keep a step's memory for the next step, in huge pages: else every step has its page faults.

Measured on CARN in bf16: 306 ms a step without, 250 with (`benchmarks/waterfall.py`).
"""


class LocalSeat:
    """A worker process of this machine."""

    lost = False

    def __init__(self, device: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.device = device
        self.pipe, theirs = context.Pipe()
        given = (theirs, device)
        self.process = context.Process(target=worker.main, args=given, daemon=True)
        with _environment(**surroundings_of(device)), signals_held(), without_main():
            self.process.start()
        theirs.close()

    @property
    def ending(self) -> str:
        self.process.join(5)
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"killed by signal {-code}"
        return f"exit code {code}"

    def send(self, message: Any) -> None:
        with suppress(OSError):
            self.pipe.send(message)

    def kill(self) -> None:
        self.process.kill()

    def end(self, *, ready: bool) -> None:
        """By a message if the worker is ready, and by a kill if that does not help."""
        self.send(None)
        self.pipe.close()
        if not ready:
            self.process.kill()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class LocalSeats:
    """Seats on the devices of this machine, each named once for each of its workers."""

    checkpoint_s = 30.0
    starts = 2

    def __init__(self, devices: Iterable[str]) -> None:
        self.devices = list(devices)  # that work
        self.kind: Literal["cpu", "cuda"] = "cpu" if "cpu" in self.devices else "cuda"

    def __str__(self) -> str:
        return plural(len(self.devices), "worker")

    def close(self) -> None:
        pass

    def machine(self) -> Machine:
        return machine(self.devices[0])

    def lend(self, plan: Plan) -> None:
        pass  # they are here

    def size(self) -> int:
        return len(self.devices)

    def capacity(self) -> int:
        return len(self.devices)

    def hire(self, taken: Collection[str]) -> LocalSeat:
        free = list(self.devices)
        for device in taken:
            if device in free:  # else it is broken, and its worker is about to report it
                free.remove(device)
        return LocalSeat(free[0])

    def again(self, seat: Seat) -> LocalSeat:
        seat.end(ready=False)
        return LocalSeat(seat.device)

    def lend_images(self, seat: Seat) -> bool:
        return False

    def give_up(self, seat: Seat, *, device: bool) -> bool:
        seat.end(ready=False)
        if seat.device not in self.devices:
            return False
        self.devices.remove(seat.device)
        if device:
            self.devices = [other for other in self.devices if other != seat.device]
        return True


def surroundings_of(device: str) -> dict[str, str]:
    """Environment variables for a worker; those of the allocator only where the user set none."""
    found = {"OMP_NUM_THREADS": "1"}
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
def without_main() -> Iterator[None]:
    """A process started inside does not execute the script that called us: it needs no guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def signals_held() -> Iterator[None]:
    """A process started inside never sees a stop, not even while it imports; ours sees it after."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        resource_tracker.ensure_running()  # its start lets two of the signals through
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
