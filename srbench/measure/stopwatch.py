"""How long a piece of work takes: the thread's own clock on the CPU, events on CUDA.

A lap is a block of calls back to back, long enough that the clock's resolution does not matter.
Nothing waits between laps: an idle device leaves its steady state.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from math import ceil, nan
from pathlib import Path
from typing import Any, Protocol

import torch

Work = Callable[[], object]
MOST_CALLS = 10_000


@dataclass(frozen=True)
class Lap:
    """One block of calls."""

    ms: float  # of one call
    lost: float  # share of the wall clock that others had the core, not in `ms`; NaN where unknown


class Stopwatch(Protocol):
    """Times work on one device."""

    @property
    def least_ms(self) -> float:
        """How long a lap should be at the least."""

    def lap(self, work: Work, calls: int) -> Lap: ...


@dataclass(frozen=True)
class CpuClock:
    """One thread's own clock, which stands still while others have the core; else the wall clock.

    With ten other processes on two cores a network's ratio to itself was 0.997 (0.991 to 1.003)
    by its own clock and 0.995 (0.953 to 1.047) by the wall's; on a quiet machine they agree.
    """

    threads: int
    least_ms: float = 5.0

    def lap(self, work: Work, calls: int) -> Lap:
        own, start = time.thread_time_ns(), time.perf_counter_ns()
        for _ in range(calls):
            work()
        wall, own = time.perf_counter_ns() - start, time.thread_time_ns() - own
        if self.threads > 1:
            return Lap(wall / calls / 1e6, nan)
        return Lap(own / calls / 1e6, max(0.0, 1 - own / wall))


@dataclass(frozen=True)
class EventClock:
    """CUDA events on the current stream: the device's own clock, good to half a microsecond."""

    device: torch.device
    least_ms: float = 20.0

    def lap(self, work: Work, calls: int) -> Lap:
        with torch.cuda.device(self.device):
            make: Any = torch.cuda.Event
            start, end = (make(enable_timing=True) for _ in range(2))
            start.record()
            for _ in range(calls):
                work()
            end.record()
            end.synchronize()
            return Lap(float(start.elapsed_time(end)) / calls, nan)


def stopwatch(device: torch.device, threads: int) -> Stopwatch:
    """The stopwatch of a device."""
    return EventClock(device) if device.type == "cuda" else CpuClock(threads)


def calls_for(ms: float, lap_ms: float) -> int:
    """How many calls of `ms` make a lap."""
    return min(MOST_CALLS, max(1, ceil(lap_ms / ms))) if ms > 0 else MOST_CALLS


@contextmanager
def steady_process(device: torch.device, threads: int) -> Iterator[None]:
    """Prepare this process to measure: threads fixed and pinned, no garbage collection.

    On the CPU its threads are held to as many cores, the last ones it may use (the first is where
    systems put their interrupts). The end restores everything.
    """
    before, collecting = torch.get_num_threads(), gc.isenabled()
    cores = sorted(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    gc.collect()
    gc.disable()
    try:
        if device.type == "cpu":
            _pin(cores[-threads:])
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            yield
    finally:
        if device.type == "cpu":
            _pin(cores)
        if collecting:
            gc.enable()
        torch.set_num_threads(before)


def _pin(cores: list[int]) -> None:
    """Hold every thread of this process to these cores."""
    for task in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), cores)
        except (ProcessLookupError, PermissionError):  # it has ended, or belongs to another user
            continue
