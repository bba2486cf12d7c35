"""Bad inputs by number, each tried within bounds of time, memory and words.

A case is a number: the same number is the same input.
"""

from __future__ import annotations

import faulthandler
import re
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LONGEST_S, MOST_MORE_MB = 2.0, 1000
IDLE = 10  # times as long by the clock as on the processor: a busy machine is no hang
Check = Callable[[int, Path], str]
"""Tries case n in a folder; the refusal, "" where it was accepted. Raises where srbench failed."""


def refused(
    check: Check,
    cases: int,
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    longest_s: float = LONGEST_S,
) -> int:
    """How many of the first cases are refused; what is wrong with one is raised with its number."""
    count = 0
    for number in range(cases):
        try:
            with bounded(longest_s):
                count += bool(one_line(check(number, folder)))
            printed = capfd.readouterr()
            assert (printed.out, printed.err) == ("", ""), "chatter"
        except BaseException as problem:
            problem.add_note(f"in case {number}")
            raise
    return count


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """TimeoutError for work that takes longer, MemoryError where it needs too much memory."""
    status = Path("/proc/self/status").read_text()
    size = int(re.findall(r"VmSize:\s+(\d+) kB", status)[0]) * 1024
    free = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + MOST_MORE_MB * 2**20, free[1]))
    timers = {
        signal.SIGPROF: (signal.ITIMER_PROF, seconds),
        signal.SIGALRM: (signal.ITIMER_REAL, seconds * IDLE),
    }
    before = {number: signal.signal(number, _hang) for number in timers}
    faulthandler.dump_traceback_later(seconds * IDLE + 60, exit=True)  # not even a signal ends it
    for timer, limit in timers.values():
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        faulthandler.cancel_dump_traceback_later()
        resource.setrlimit(resource.RLIMIT_AS, free)
        for number, handler in before.items():
            signal.signal(number, handler)


def _hang(number: int, frame: object) -> None:
    raise TimeoutError("the case hangs")


def one_line(refusal: str) -> str:
    """The refusal, once it is known to be one line that a terminal shows as it is."""
    assert refusal.isprintable(), f"not one printable line: {refusal!r}"
    return refusal
