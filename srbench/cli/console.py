"""The terminal: control characters in paths, databases and messages are printed as `\\x1b`.

rich styles its own output by escape sequences and passes those in texts through.
"""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, Any, cast

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.segment import Segment

from srbench.core.signals import detach_terminal

CONTROLS = {c: ascii(chr(c))[1:-1] for c in (*range(32), *range(0x7F, 0xA0)) if c != 0x0A}
CONTROLS |= {c: ascii(chr(c))[1:-1] for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
CONTROLS |= {c: ascii(chr(c))[1:-1] for c in range(0xD800, 0xE000)}  # no encoding has them
PLAIN = str.maketrans({"\u2212": "-", "\u00b7": "|", "\u2026": ".", "\u00d7": "x"})
"""Characters of our own texts, where the terminal's encoding lacks them (LC_ALL=POSIX)."""


class Lasting:
    """A stream that ignores a closed terminal, which happens shortly before SIGHUP arrives."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _lasting():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with _lasting():
            self._stream.flush()


@contextmanager
def _lasting() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO or not detach_terminal():  # a failing disk is an error
            raise


class PlainConsole(Console):
    """A console that escapes control characters and survives a closed terminal."""

    @property
    def size(self) -> ConsoleDimensions:
        """Of a terminal that says 0 columns, as some do, the usual size."""
        found = super().size
        return found if found.width else ConsoleDimensions(80, 25)

    @size.setter
    def size(self, new: tuple[int, int]) -> None:
        Console.size.fset(self, new)  # type: ignore[attr-defined]

    @property
    def file(self) -> IO[str]:
        return cast("IO[str]", Lasting(super().file))

    @file.setter
    def file(self, new: IO[str]) -> None:
        Console.file.fset(self, new)  # type: ignore[attr-defined]

    def working(self, text: str) -> AbstractContextManager[object]:
        """Show on a terminal what takes a while."""
        return self.status(text) if self.is_terminal else nullcontext()

    def command(self, label: str, line: str) -> None:
        """Print a command to copy; in a narrow terminal, in lines that a shell joins."""
        if not self.is_terminal or cell_len(f"{label} {line}") <= self.width:
            self.print(label, end=" ", markup=False)
            self.print(line, markup=False, style="bold", soft_wrap=True)
            return
        rows = [""]
        for word in map(shlex.quote, shlex.split(line)):
            if rows[-1] and cell_len(f"  {rows[-1]} {word} \\") > self.width:
                rows.append("   ")
            rows[-1] = f"{rows[-1]} {word}" if rows[-1] else word
        self.print(label, markup=False)
        for row in " \\\n".join(rows).splitlines():
            self.print(f"  {row}", markup=False, style="bold", soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Continue silently after a broken pipe."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Segments to write, texts among them with their control characters escaped."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if not self.encoding.startswith("utf"):
                text = text.translate(PLAIN)
            yield segment if control else Segment(text.translate(CONTROLS), style)
