"""Tables on a terminal: every character is shown at any width, and numbers stand on the right."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from srbench.core.rich_table import fitting, rich_table, table_of
from srbench.core.table import Column, Mark, Table

LONG = "residual_se_with_a_name_that_no_line_takes"
ROWS = ((LONG, 61_331, 14.3, "3 min 20 s"), ("[red]a[/red]", 7, Mark("failed"), ""))
COLUMNS = (
    Column("variant", "variant"),
    Column("parameters", "parameters", kind="count"),
    Column("macs", "multiply-adds", "G", kind="number", decimals=2),
    Column("run_s", "a run", kind="written"),
)


def printed(table: object, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(table)
    return out.getvalue()


@pytest.mark.parametrize("width", [16, 24, 40, 60, 80, 200])
def test_nothing_is_cut_off_at_any_width(width: int) -> None:
    shown = printed(rich_table(Table("t", "", COLUMNS, ROWS)), width)
    assert max(map(len, shown.splitlines())) <= width
    wanted = "".join([LONG, "61,331", "14.30", "3min20s", "[red]a[/red]", "7", "failed"])
    wanted += "".join(column.title for column in COLUMNS)
    assert sorted("".join(shown.split())) == sorted("".join(wanted.split()))


def test_numbers_stand_on_the_right() -> None:
    lines = printed(table_of(("name", "n", "text"), [("a", 1, "x"), ("b", 100, None)]), 40)
    assert [line.rstrip() for line in lines.splitlines()] == [
        "name    n  text",
        "a       1  x",
        "b     100",
    ]


@pytest.mark.parametrize("columns", [2, 9, 60])
def test_rows_wider_than_the_terminal_are_records(columns: int) -> None:
    headings = [f"column_{i}" for i in range(columns)]
    rows = [[f"{row}/{i}-of-{columns}" for i in range(columns)] for row in range(3)]
    out = Console(file=io.StringIO(), width=80, color_system=None)
    shown = printed(fitting(out, headings, rows), 80)
    pairs = [line.split() for line in shown.splitlines() if "column_" in line and "/" in line]
    if columns == 2:
        assert shown.splitlines()[0].split() == headings
    else:
        assert pairs == [[h, v] for row in rows for h, v in zip(headings, row, strict=True)]
