"""The console survives its terminal, and prints commands whole."""

from __future__ import annotations

import errno
import io
import os
import pty
import shlex
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


def test_output_to_a_closed_terminal_is_lost_without_an_error() -> None:
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


def test_an_error_of_the_disk_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "detach_terminal", lambda: False)
    with pytest.raises(OSError, match="Input/output error"):
        PlainConsole(file=Refusing()).print("said")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_printed_command_is_never_broken_within_a_word(width: int) -> None:
    """What a terminal shows, copied into a shell, is the command."""
    words = ["srbench", "report", "--db", "a folder/my results.sqlite", "--workers", "1", "it's α"]
    shown = io.StringIO()
    PlainConsole(file=shown, force_terminal=True, color_system=None, width=width).command(
        "Go on with:", shlex.join(words)
    )
    label, _, rest = shown.getvalue().partition(":")
    assert label == "Go on with"
    assert shlex.split(rest.replace("\\\n", " ")) == words
    longest = max(len(shlex.quote(word)) for word in words)
    assert max(map(len, shown.getvalue().splitlines())) <= max(width, longest + 8)


def test_a_terminal_of_no_columns_shows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    shown = io.StringIO()
    PlainConsole(file=shown).print("a word")
    assert shown.getvalue() == "a word\n"


def test_a_printed_command_is_one_line_in_a_pipe() -> None:
    shown = io.StringIO()
    PlainConsole(file=shown, width=20).command("Go on with:", "srbench run a-long-study.yaml")
    assert shown.getvalue() == "Go on with: srbench run a-long-study.yaml\n"


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "−1.5 dB · ä …\n"), ("iso8859-1", "-1.5 dB | ä .\n")]
)
def test_signs_that_an_encoding_lacks_are_written_otherwise(encoding: str, shown: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding, errors="backslashreplace")
    PlainConsole(file=stream).print("−1.5 dB · ä …")
    stream.flush()
    assert raw.getvalue().decode(encoding) == shown
