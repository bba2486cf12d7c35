"""A table: columns, rows, and the format of each cell.

Page, terminal, CSV, LaTeX and Markdown are written from this one value, so they show the same
numbers. A value is rounded once, here, to the decimals of its column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from srbench.core import csv_text
from srbench.core.numbers import MINUS, fixed, p_exact, shown


def _measure(value: float) -> str:
    """Six digits, or every digit of a whole number."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"


FREE: Mapping[str, Callable[[float], str]] = {"p": p_exact, "measure": _measure}
"""Kinds whose numbers share no count of decimals, and how one is written in plain ASCII."""
Kind = Literal["text", "verdict", "written", "count", "number", "difference", "measure", "p"]
"""`written`: texts that are numbers with their unit, such as "3 min 20 s"."""


@dataclass(frozen=True)
class Column:
    """One column: its key in CSV, its heading for people, and how its numbers are written."""

    key: str
    heading: str
    unit: str = ""
    kind: Kind = "text"
    decimals: int = 0
    note: str = ""
    long: bool = False  # texts that the page shows a few lines of, to be scrolled

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers, which are right-aligned."""
        return self.kind not in ("text", "verdict", "written")

    @property
    def title(self) -> str:
        """Heading with unit."""
        return f"{self.heading}, {self.unit}" if self.unit else self.heading


def in_unit(
    key: str, heading: str, unit: str, decimals: int, kind: Kind = "difference", note: str = ""
) -> Column:
    """A column of numbers whose key names their unit, in small letters: effect_db."""
    return Column(f"{key}_{unit.lower()}" if unit else key, heading, unit, kind, decimals, note)


def limits(unit: str, decimals: int, prefix: str = "", name: str = "95 %", note: str = "",
           ) -> tuple[Column, Column]:  # fmt: skip
    """The columns of an interval's lower and upper end."""
    low = in_unit(f"{prefix}low", f"{name} from", unit, decimals, note=note)
    return low, in_unit(f"{prefix}high", f"{name} to", unit, decimals, note=note)


@dataclass(frozen=True)
class Mark:
    """A missing number: failed, skipped, missing, one seed ... and why."""

    word: str
    reason: str = ""


Value = str | int | float | Mark


@dataclass(frozen=True)
class Table:
    """A named table; `rows` hold one value a column."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    def cell(self, value: Value, column: Column) -> str:
        """A cell as people read it; a mark is its word."""
        if isinstance(value, Mark):
            return value.word
        if isinstance(value, str):
            return value
        if column.kind in FREE:
            return _grouped(FREE[column.kind](float(value))).replace("-", MINUS)
        return shown(float(value), column.decimals, signed=column.kind == "difference")

    def csv(self) -> str:
        """Comma-separated; text that a spreadsheet would run as a formula gets an apostrophe."""
        lines = [csv_text.line(c.key for c in self.columns)]
        for row in self.rows:
            pairs = zip(row, self.columns, strict=True)
            lines.append(",".join(_csv_cell(value, column) for value, column in pairs) + "\n")
        return "".join(lines)

    def latex(self) -> str:
        """A booktabs tabular; needs `\\usepackage{booktabs}`."""
        align = "".join("r" if c.numeric else "l" for c in self.columns)
        head = " & ".join(_tex(c.title) for c in self.columns)
        body = [
            " & ".join(_tex_cell(v, c) for v, c in zip(row, self.columns, strict=True))
            for row in self.rows
        ]
        lines = [f"% {_tex(self.caption)}", f"\\begin{{tabular}}{{{align}}}", "\\toprule"]
        lines += [f"{head} \\\\", "\\midrule", *(f"{line} \\\\" for line in body)]
        return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _grouped(number: str) -> str:
    """A whole number with thousands separators; others as they are."""
    return f"{int(number):,}" if number.lstrip("-").isdecimal() else number


def _csv_cell(value: Value, column: Column) -> str:
    if isinstance(value, Mark):
        return ""
    if isinstance(value, str):
        return csv_text.cell(value)
    if column.kind in FREE:
        return FREE[column.kind](float(value))
    return fixed(float(value), column.decimals).replace(",", "")


TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
TEX |= {c: f"\\{c}" for c in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}
TEX |= {"\N{MULTIPLICATION SIGN}": r"$\times$", "\N{MINUS SIGN}": "$-$"}
TEX |= dict.fromkeys("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", " ")  # no line ends within a row
TEX |= {"\N{GREEK CAPITAL LETTER DELTA}": r"$\Delta$", "\N{PLUS-MINUS SIGN}": r"$\pm$"}


def _tex(text: str) -> str:
    return "".join(TEX.get(c, c) for c in text)


def _tex_cell(value: Value, column: Column) -> str:
    if isinstance(value, Mark):
        return f"\\textit{{{_tex(value.word)}}}"
    if isinstance(value, str):
        return _tex(value)
    if column.kind in FREE:
        mantissa, _, exponent = FREE[column.kind](float(value)).partition("e")
        return f"${mantissa} \\times 10^{{{int(exponent)}}}$" if exponent else f"${mantissa}$"
    out = fixed(float(value), column.decimals, signed=column.kind == "difference")
    return f"${out.replace(',', '{,}')}$" if out else ""
