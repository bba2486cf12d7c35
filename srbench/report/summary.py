"""The summary of a study as plain data: drawn on a terminal, and stored to be shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text

from srbench.core.rich_table import GAP, longest_word, rich_table
from srbench.core.table import Column, Mark, Table, Value

LEAST_COLUMNS = 5  # however narrow the terminal is


@dataclass(frozen=True)
class Line:
    """A paragraph and its style, in rich's words."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Summary:
    """Paragraphs and tables, from top to bottom; rich draws it as wide as the terminal is."""

    parts: tuple[Line | Table, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in self.parts:
            if isinstance(part, Line):
                yield Text(part.text, style=part.style)
            else:
                yield Padding(rich_table(part, _fitting(part, options.max_width)), (1, 0))

    def to_plain(self) -> list[dict[str, Any]]:
        """The parts as JSON takes them."""
        return [asdict(part) for part in self.parts]

    @classmethod
    def from_plain(cls, plain: list[dict[str, Any]]) -> Summary:
        """The summary, from what JSON makes of its parts."""
        return cls(tuple(Line(**part) if "text" in part else _table(part) for part in plain))


def _table(plain: Mapping[str, Any]) -> Table:
    columns = tuple(Column(**column) for column in plain["columns"])
    rows = tuple(tuple(map(_value, row)) for row in plain["rows"])
    return Table(plain["name"], plain["caption"], columns, rows)


def _value(plain: Any) -> Value:
    return Mark(**plain) if isinstance(plain, dict) else plain


def _fitting(table: Table, width: int) -> list[int]:
    """The columns of a table, without the last ones where the terminal is too narrow for them."""
    keep = list(range(len(table.columns)))
    words = [longest_word(table, i) + GAP for i in keep]
    while len(keep) > LEAST_COLUMNS and sum(words[: len(keep)]) > width:
        keep.pop()
    return keep
