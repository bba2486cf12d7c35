"""Figures that others published, read from a file: never ours, and never mixed with ours.

Two kinds of file. A table, YAML: a source, and figures by variant. Curves, CSV: one column a
variant (`loss_standard, loss_wide, …`), one row an epoch, from the first; a cell may be empty.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srbench.core import document
from srbench.core.errors import InputError, UserError, brief
from srbench.core.numbers import UNITS
from srbench.core.registry import known

FORMAT = """\
source: Ahn et al., Fast, accurate, and lightweight super-resolution, 2018. https://…
figures:
  carn:   {params: 1592 k, psnr_y: {Set5: 37.76 dB, Set14: 33.52 dB}}
  carn_m: {params: 412 k,  psnr_y: {Set5: 37.53 dB, Set14: 33.26 dB}}
"""
"""What a table looks like: quantity, or quantity and dataset, to a number with its unit."""
KEYS = {"source": "who published it, where, when", "figures": "variant: {quantity: number}",
        "notes": "a remark, or a list of them"}  # fmt: skip
MOST_BYTES, MOST_CELLS = 64_000_000, 2_000_000


@dataclass(frozen=True)
class Figure:
    """One published number of one variant; `epoch` None where it is no point of a curve."""

    variant: str
    quantity: str  # psnr_y, params, loss, runtime_ratio, ...
    dataset: str  # empty where the quantity has none
    epoch: int | None
    value: float
    unit: str


@dataclass(frozen=True)
class Published:
    """All figures of one source."""

    source: str
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]
    files: tuple[Path, ...] = ()


def read(file: Path, *, source: str | None = None, quantity: str | None = None) -> Published:
    """Read a table (.yaml) or curves (.csv).

    `source` names who published curves, `quantity` what they are of (psnr_y_standard).

    Raises:
        InputError: the first mistake, with its place in the file.
    """
    ending = file.suffix.lower()
    if ending in (".yaml", ".yml"):
        return _table(file, source)
    if ending == ".csv":
        if not source:
            raise InputError(
                "say who published it: --source 'Author, title, year'", place=str(file)
            )
        return Published(" ".join(source.split()), (), tuple(_curves(file, quantity)), (file,))
    raise InputError("a table ends in .yaml, curves end in .csv", place=str(file))


def _table(file: Path, source: str | None) -> Published:
    _, found = document.read(file)
    try:
        value = found.value
        if not isinstance(value, dict):
            raise InputError(f"a table has the keys {', '.join(KEYS)}, found {brief(value)}")
        for key in value:
            known(key, KEYS, "key", (key,))
        named = source or value.get("source")
        if not isinstance(named, str) or not named.strip():
            raise InputError("say who published it", ("source",))
        notes = value.get("notes") or []
        notes = [notes] if isinstance(notes, str) else notes
        if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
            raise InputError(f"{brief(notes)} is not a list of texts", ("notes",))
        figures = tuple(_figures(value.get("figures")))
    except UserError as error:
        raise found.located(error) from None
    return Published(" ".join(named.split()), tuple(notes), figures, (file,))


def _figures(written: Any) -> Iterator[Figure]:
    if not isinstance(written, dict) or not written:
        raise InputError("write {variant: {quantity: number}}", ("figures",))
    for variant, quantities in written.items():
        at = ("figures", variant)
        if not isinstance(quantities, dict):
            raise InputError(f"write {{quantity: number}}, found {brief(quantities)}", at)
        for quantity, value in quantities.items():
            for dataset, number in (value if isinstance(value, dict) else {"": value}).items():
                place = (*at, quantity, dataset) if isinstance(value, dict) else (*at, quantity)
                amount, unit = _number(number, place)
                yield Figure(str(variant), str(quantity), str(dataset), None, amount, unit)


def _number(written: Any, at: tuple[Any, ...]) -> tuple[float, str]:
    """`1592 k` is 1,592,000 without a unit, `37.76 dB` is 37.76 in dB."""
    digits, _, unit = str(written).strip().partition(" ")
    unit = unit.strip()
    try:
        amount = float(digits.replace(",", "").replace("_", ""))
    except ValueError:
        amount = math.nan
    if isinstance(written, bool) or not math.isfinite(amount):
        raise InputError(f"{brief(written)} is not a number such as 37.76 dB or 1592 k", at)
    if not unit:
        return amount, ""
    known(unit, UNITS, "unit", at)
    return amount * UNITS[unit], unit if UNITS[unit] == 1 else ""  # k, M and G leave no unit


def _curves(file: Path, quantity: str | None) -> Iterator[Figure]:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise InputError(f"more than {MOST_BYTES:,} bytes", place=str(file))
        rows = list(csv.reader(io.StringIO(document.decoded(raw), newline="")))
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror}", place=str(file)) from None
    except (UnicodeError, csv.Error) as problem:
        raise InputError(f"is not CSV: {problem}", place=str(file)) from None
    if len(rows) < 2:
        raise InputError("a heading and at least one epoch are expected", place=str(file))
    if len(rows[0]) == 1 and any(mark in rows[0][0] for mark in ";\t"):
        needed = "columns are separated by commas, and numbers have a point: save it as such"
        raise InputError(needed, place=f"{file}:1")
    columns = _headings(rows[0], quantity, f"{file}:1")
    if len(rows) * len(columns) > MOST_CELLS:
        raise InputError(f"more than {MOST_CELLS:,} cells", place=str(file))
    for epoch, row in enumerate(rows[1:], 1):
        place = f"{file}:{epoch + 1}"
        if len(row) > len(columns):
            raise InputError(f"{len(row)} cells under {len(columns)} headings", place=place)
        for (quantity, variant), cell in zip(columns, row, strict=False):
            if cell.strip():
                yield Figure(variant, quantity, "", epoch, _cell(cell, place, variant), "")


def _headings(row: list[str], quantity: str | None, place: str) -> list[tuple[str, str]]:
    """(quantity, variant) of each column; unless named, the quantity ends at an underscore."""
    names = [cell.strip() for cell in row]
    quantity = quantity or names[0].partition("_")[0]
    if not quantity or not all(name.startswith(f"{quantity}_") for name in names):
        raise InputError(
            "all headings begin with one quantity and an underscore (loss_standard, loss_wide)",
            place=place,
        )
    variants = [name[len(quantity) + 1 :] for name in names]
    double = next((v for v in variants if variants.count(v) > 1 or not v), None)
    if double is not None:
        raise InputError(f"heading {quantity}_{double} names no variant of its own", place=place)
    return [(quantity, variant) for variant in variants]


def _cell(cell: str, place: str, variant: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise InputError(f"{variant}: {brief(cell)} is not a number", place=place)
    return value
