"""A `Table` on a terminal: numbers are right-aligned, and narrow terminals fold cells."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column as RichColumn
from rich.table import Table as RichTable
from rich.text import Text

from srbench.core.table import Column, Kind, Mark, Table, Value

LONGEST_NAME = 30  # characters of a name in the first column that stays on one line
LONGEST_WORD = 16  # characters of a word that is not broken
NARROWEST = 8  # characters of a column of texts, where numbers beside it stay whole
GAP, WIDEST = 2, 1000  # characters between two columns, and of any table
COLOURS = {
    **dict.fromkeys(("ok", "right", "identical"), "green"),
    **dict.fromkeys(("differs", "changed"), "yellow"),
    **dict.fromkeys(("look", "wrong", "different", "failed"), "bold red"),
    "skipped": "dim",
}
"""Colours of the outcomes in columns of kind `verdict`; others have none."""


def _widths(columns: Sequence[RichColumn], most: int) -> list[int]:
    """Widths of columns of numbers: whole numbers, and as much of their headings as there is room.

    Empty where the numbers alone have no room.
    """
    numbers = [column for column in columns if column.justify == "right"]
    room = most - (len(columns) - len(numbers)) * NARROWEST - GAP * len(columns)
    for longest in (LONGEST_WORD, NARROWEST, NARROWEST // 2, 1):  # characters of a heading's word
        found = [
            max(
                *(cell_len(str(cell)) for cell in column.cells), 1,
                *(min(len(word), longest) for word in str(column.header).split()),
            )
            for column in numbers
        ]  # fmt: skip
        if sum(found) <= room:
            return found
    return []


class _Folding(RichTable):
    """A table that folds headings of numbers first, then texts, and breaks words at the last."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole = Measurement.get(console, options.update(max_width=WIDEST), self).maximum
        if sum((column.min_width or 0) + GAP for column in self.columns) - GAP > options.max_width:
            widths = iter(_widths(self.columns, options.max_width))
            for column in self.columns:  # headings break before numbers do
                column.min_width, column.no_wrap = None, False
                column.width = next(widths, None) if column.justify == "right" else None
        elif whole > options.max_width:
            for column in self.columns:
                column.width = column.min_width if column.justify == "right" else None
        yield from super().__rich_console__(console, options)


def rich_table(table: Table, keep: Sequence[int] | None = None) -> RichTable:
    """The table, or its columns `keep` (by index, in that order)."""
    places = range(len(table.columns)) if keep is None else keep
    out = _Folding(box=None, pad_edge=False, header_style="bold")
    for place, i in enumerate(places):
        column = table.columns[i]
        names = [table.cell(row[i], column) for row in table.rows] if place == 0 else []
        whole = place == 0 and max(map(len, names), default=0) <= LONGEST_NAME
        out.add_column(
            Text(column.title),
            justify="right" if column.numeric or column.kind == "written" else "left",
            overflow="fold",
            min_width=min(longest_word(table, i), LONGEST_NAME if whole else LONGEST_WORD),
            no_wrap=whole,
        )
    for row in table.rows:
        out.add_row(*(_cell(table, row[i], table.columns[i]) for i in places))
    return out


def longest_word(table: Table, place: int) -> int:
    """Characters of the longest word in a column and its heading; a written number is one word."""
    column = table.columns[place]
    cells = [table.cell(row[place], column) for row in table.rows]
    words = cells if column.kind == "written" else " ".join(cells).split()
    return max(map(len, [*words, *column.title.split()]), default=0)


def table_of(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Collection[str] = (),
    outcome: str | None = None,
) -> RichTable:
    """A table of plain values: None is an empty cell, others are written by `str`.

    Columns of numbers are right-aligned, and so are those named in `right`, whose numbers are
    already written. `outcome` names a column of kind `verdict`.
    """
    listed = [tuple(row) for row in rows]
    columns = []
    for i, heading in enumerate(headings):
        values = [row[i] for row in listed if row[i] is not None]
        numbers = bool(values) and all(type(value) in (int, float) for value in values)
        kind: Kind = "written" if numbers or heading in right else "text"
        columns.append(Column(heading, heading, kind="verdict" if heading == outcome else kind))
    texts = tuple(tuple("" if v is None else str(v) for v in row) for row in listed)
    return rich_table(Table("", "", tuple(columns), texts))


def fitting(
    console: Console, headings: Sequence[str], rows: Sequence[Sequence[object]]
) -> RichTable:
    """A table of plain values, or a list of records where the table is wider than the console.

    A record is one line for each heading; an empty line stands between two records.
    """
    table = table_of(headings, rows)
    options = console.options.update(max_width=WIDEST)
    if Measurement.get(console, options, table).maximum <= console.width:
        return table
    listed: list[tuple[str, object]] = []
    for number, row in enumerate(rows, start=1):
        listed += [("", None)] if listed else []
        listed += [("record", str(number)), *zip(headings, row, strict=True)]
    return table_of(("", ""), listed)


def _cell(table: Table, value: Value, column: Column) -> Text:
    text = table.cell(value, column)
    outcome = COLOURS.get(text, "") if column.kind == "verdict" else ""
    return Text(text, style="italic" if isinstance(value, Mark) else outcome)
