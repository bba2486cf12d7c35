"""The console: it goes on where its terminal does not."""

from __future__ import annotations

import errno
import io
import os
import pty
import subprocess
import sys

import pytest

from srbench.cli import console
from srbench.cli.console import PlainConsole

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")

SPEAKS = """\
import signal
from rich.progress import Progress
from srbench.cli.console import PlainConsole

signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it comes a moment after the terminal has gone
out = PlainConsole()
with Progress(console=out) as bars:
    out.print("ready")
    input()
    for _ in range(3):
        out.print("nobody hears this")
        bars.refresh()
"""


def test_words_to_a_terminal_that_is_closed_are_lost_and_nothing_else() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SPEAKS], stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.PIPE
    )
    os.close(theirs)
    said = b""
    while b"ready" not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    _, errors = process.communicate(b"\n", timeout=60)
    assert (process.returncode, errors) == (0, b"")


class Refusing(io.StringIO):
    """A file on a disk that fails."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")


def test_a_disk_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "detach_terminal", lambda: False)
    with pytest.raises(OSError, match="Input/output error"):
        PlainConsole(file=Refusing()).print("said")
