"""SIGINT, SIGTERM and SIGHUP end a command with exit code 130, 143 or 129 and no traceback.

While a study runs, the first signal asks for a stop: workers finish their step and save it. The
second one ends the process at once; the next command resumes from the checkpoints. A batch
system's warning that the job will soon be ended acts as SIGTERM, except that warnings do not count
as a second signal: SLURM may send one to every process of a job, and the kernel repeats SIGXCPU.
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
WARNINGS = tuple(
    getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2", "SIGXCPU") if hasattr(signal, name)
)
"""Of SLURM, submitit, Grid Engine and LSF, and of a limit on CPU time."""
STOPPING = tuple(
    number for number in (signal.SIGINT, signal.SIGTERM, HANGUP, *WARNINGS) if number is not None
)
"""Sent by Ctrl-C, by batch systems and `kill`, and by a terminal that closes; and warnings."""
SHOW_CURSOR = b"\x1b[?25h\n"


@dataclass
class Stop:
    """The signal that asked for a stop, SIGTERM for a warning; None before."""

    number: int | None = None


@contextmanager
def exit_on_signal() -> Iterator[None]:
    """Inside, a signal raises SystemExit with its exit code.

    A KeyboardInterrupt that passes through `exec` of a text (in dataclasses and torch) would make
    Python 3.11 end by SIGINT, whatever its exit code. Two places end the process at once instead:
    an import, for torch's aborts where something raises in it; and a finalizer or the callback of
    a weak reference, where Python would print the exception and continue.
    """

    def on_signal(number: int, frame: FrameType | None) -> NoReturn:
        if _is_importing(frame):
            _end_at_once(exit_code(number))
        raise _Ended(exit_code(number))

    with _handled(on_signal), _exits_from_finalizers():
        yield


class _Ended(SystemExit):
    """The exit that a signal raises; other exits are not of this class."""

    code: int


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """Inside, the first signal is recorded; a second one ends the process at once.

    In a Python session, such as a notebook's, a second interrupt raises KeyboardInterrupt.
    """
    stop, asked = Stop(), False
    session = signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if number in WARNINGS:
            stop.number = stop.number or signal.SIGTERM
            return
        if asked and session and number == signal.SIGINT:
            raise KeyboardInterrupt
        if asked:
            _end_at_once(exit_code(number))
        stop.number, asked = number, True

    with _handled(on_signal):
        yield stop


@contextmanager
def _exits_from_finalizers() -> Iterator[None]:
    """End the process where Python would print a signal's exit and continue."""
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


def exit_code(number: int) -> int:
    """The exit code of a command that a signal ended; a warning counts as SIGTERM."""
    return 128 + (signal.SIGTERM if number in WARNINGS else number)


def _is_ignored(number: int) -> bool:
    """Whether who started the process had it ignore the signal: nohup, or a shell's `trap`."""
    return number in (HANGUP, *WARNINGS) and signal.getsignal(number) == signal.SIG_IGN


def detach_terminal() -> bool:
    """Send the output of a closed terminal to /dev/null; whether there was a terminal."""
    detached = False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        with suppress(OSError):  # it may be closed
            if stat.S_ISCHR(os.fstat(stream).st_mode):
                os.dup2(nowhere, stream)
                detached = True
    os.close(nowhere)
    return detached


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and "importlib._bootstrap" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


def _end_at_once(code: int) -> NoReturn:
    """Exit without unwinding; show the cursor again, which the progress display may have hidden."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and stream.isatty():  # None where it was closed
            os.write(stream.fileno(), SHOW_CURSOR)
            break
    os._exit(code)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # no other may set handlers
        yield
        return

    def handled(number: int, frame: FrameType | None) -> None:
        if number == HANGUP:
            detach_terminal()
        handler(number, frame)

    handled_here = [number for number in STOPPING if not _is_ignored(number)]
    before = {number: signal.signal(number, handled) for number in handled_here}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
