"""What SIGINT, SIGTERM and SIGHUP do to a command: end it with 130, 143 or 129, no traceback.

While a study is conducted the first one only asks: the step under way is finished and saved. The
second ends at once, and what is lost goes on from its checkpoint.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

HANGUP = getattr(signal, "SIGHUP", None)  # not on Windows
STOPPING = tuple(number for number in (signal.SIGINT, signal.SIGTERM, HANGUP) if number is not None)
"""Ctrl-C, what batch systems and `kill` send, and a terminal that is closed."""
SHOW_CURSOR = b"\x1b[?25h\n"


@dataclass
class Stop:
    """The signal that asked to stop, once there was one."""

    number: int | None = None


@contextmanager
def ending() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP unwind and give exit codes 130, 143 and 129.

    Not by KeyboardInterrupt: where one has passed through `exec` of a text (dataclasses and torch
    do that), Python 3.11 kills itself by SIGINT at its end, whatever exit code it was given. And
    not out of an import, which has nothing to tidy: torch's aborts the process if one raises in it.
    Nor out of a finalizer or a weak reference's callback, where Python prints what is raised and
    goes on as if there had been no signal: that ends the process at once too.
    """

    def on_signal(number: int, frame: FrameType | None) -> NoReturn:
        if _is_importing(frame):
            _end_at_once(128 + number)
        raise _Ended(128 + number)

    with _handled(on_signal), _dropped_ends():
        yield


class _Ended(SystemExit):
    """What a signal raises, told from other exits."""

    code: int


@contextmanager
def finishing() -> Iterator[Stop]:
    """SIGINT, SIGTERM and SIGHUP are noted; a second one ends at once."""
    stop = Stop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.number is not None:
            _end_at_once(128 + number)
        stop.number = number

    with _handled(on_signal):
        yield stop


@contextmanager
def _dropped_ends() -> Iterator[None]:
    """A signal's exit that Python would print and drop ends the process all the same."""
    before = sys.unraisablehook

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, _Ended):
            _end_at_once(dropped.exc_value.code)
        before(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _is_to_be_ignored(number: int) -> bool:
    """Under nohup, a closed terminal is no reason to stop."""
    return number == HANGUP and signal.getsignal(number) == signal.SIG_IGN


def leave_the_terminal() -> bool:
    """What is still said goes nowhere: a terminal that is gone would refuse it. Whether one was."""
    left = False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        with suppress(OSError):  # it may be closed
            if stat.S_ISCHR(os.fstat(stream).st_mode):
                os.dup2(nowhere, stream)
                left = True
    os.close(nowhere)
    return left


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and "importlib._bootstrap" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


def _end_at_once(code: int) -> NoReturn:
    """No unwinding; but a cursor that the progress display has hidden comes back."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and stream.isatty():  # None where it was closed
            os.write(stream.fileno(), SHOW_CURSOR)
            break
    os._exit(code)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only that one may, or is hit
        yield
        return

    def handled(number: int, frame: FrameType | None) -> None:
        if number == HANGUP:
            leave_the_terminal()
        handler(number, frame)

    heard = [number for number in STOPPING if not _is_to_be_ignored(number)]
    before = {number: signal.signal(number, handled) for number in heard}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
