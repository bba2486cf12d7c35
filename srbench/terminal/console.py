"""The terminal as srbench writes to it: what names and files say is shown, never obeyed.

rich styles its own output by escape sequences and lets those in texts through. Here a text's own
control characters come out as `\\x1b`, whether they stand in a path, a database or a message.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

CONTROLS = {c: ascii(chr(c))[1:-1] for c in (*range(32), *range(0x7F, 0xA0)) if c != 0x0A}
CONTROLS |= {c: ascii(chr(c))[1:-1] for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
CONTROLS |= {c: ascii(chr(c))[1:-1] for c in range(0xD800, 0xE000)}  # no encoding has them


class PlainConsole(Console):
    """A console that texts cannot steer."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Segments to write, texts among them with their control characters escaped."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(text.translate(CONTROLS), style)
