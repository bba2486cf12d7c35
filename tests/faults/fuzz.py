"""Damage drawn by hypothesis, and the bounds of time and memory within which each case is tried."""

from __future__ import annotations

import faulthandler
import re
import resource
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import strategies as st

from srbench.core.errors import UserError

LONGEST_S, MOST_MORE_MB = 2.0, 1000
IDLE = 10  # times as long by the clock as on the processor: a busy machine is no hang


@st.composite
def damaged(draw: st.DrawFn, wholes: Sequence[bytes], splices: Sequence[bytes]) -> bytes:
    """One of these files: cut, overwritten, doubled in part, or ended by another; or whole."""
    data = bytearray(draw(st.sampled_from(wholes)))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 5]))):
        most = draw(st.sampled_from([16, 200, len(data), len(data)]))  # headers hurt most
        at = draw(st.integers(0, min(most, len(data))))
        end = at + draw(st.sampled_from([0, 1, 4, 30]))
        kind = draw(st.sampled_from(["cut", "put", "put", "flip", "double", "end"]))
        if kind == "cut":
            del data[at:]
        elif kind == "put":
            data[at:end] = draw(st.binary(max_size=4) | st.sampled_from(splices))
        elif kind == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "double":
            data[at:at] = data[at:end]
        elif kind == "end":
            other = draw(st.sampled_from(wholes))
            data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data)


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


def of_file(refusal: UserError, file: Path) -> str:
    """What a refusal says, once it is known to name its file first."""
    assert str(refusal).startswith(f"{file}: "), refusal
    return str(refusal)


def one_line(refusal: str) -> str:
    """The refusal, once it is known to be one line that a terminal shows as it is."""
    assert refusal.isprintable(), f"not one printable line: {refusal!r}"
    return refusal
