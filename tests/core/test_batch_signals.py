"""Signals that stop a command: their exit codes, and which count as a second one."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from srbench import __main__
from srbench.core.signals import STOPPING, WARNINGS, exit_code

SENDS = """
import os, signal, sys
from srbench.core.signals import exit_on_signal, stop_on_signal

ignored, *numbers = map(int, sys.argv[1:])
if ignored:
    signal.signal(ignored, signal.SIG_IGN)
with exit_on_signal():
    with stop_on_signal() as stop:
        for number in numbers:
            os.kill(os.getpid(), number)
    print(stop.number and int(stop.number))
"""
USR1, USR2, XCPU, TERM, INT = (
    signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGTERM, signal.SIGINT,
)  # fmt: skip


def ended(*numbers: int, ignored: int = 0) -> tuple[int, str]:
    """Exit code and recorded stop of a process that sends itself signals in `stop_on_signal`."""
    command = [sys.executable, "-c", SENDS, *map(str, map(int, (ignored, *numbers)))]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.strip()


@pytest.mark.parametrize("warning", WARNINGS)
def test_a_warning_counts_as_sigterm_however_often_it_comes(warning: int) -> None:
    assert exit_code(warning) == 143
    assert ended(warning, warning) == (0, "15")


@pytest.mark.parametrize(
    ("numbers", "found"),
    [((USR1, TERM), (0, "15")), ((USR2, INT), (0, "2")), ((TERM, XCPU), (0, "15")),
     ((TERM, INT), (130, "")), ((USR1, TERM, TERM), (143, ""))],
)  # fmt: skip
def test_only_a_second_signal_that_is_no_warning_ends_at_once(
    numbers: tuple[int, ...], found: tuple[int, str]
) -> None:
    assert ended(*numbers) == found


@pytest.mark.parametrize("number", [signal.SIGHUP, USR1])
def test_what_nohup_or_a_batch_script_ignores_stays_ignored(number: int) -> None:
    assert ended(number, ignored=number) == (0, "None")
    assert ended(TERM, ignored=TERM) == (0, "15")


def test_while_srbench_is_imported_the_same_signals_end_it() -> None:
    assert [signal.Signals(number).name for number in STOPPING] == list(__main__.STOPPING)
