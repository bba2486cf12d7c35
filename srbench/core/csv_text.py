"""CSV in which spreadsheets run no formula, and which programs read back unchanged.

A text that begins like a formula gets an apostrophe, as OWASP advises (CWE-1236); one that begins
with apostrophes before such a start gets one more, so that taking one away is the inverse.
Numbers stay numbers. Python's own writer leaves a carriage return unquoted, hence `line`.
Excel takes a file for UTF-8 only if it starts with a byte-order mark: a file with letters beyond
ASCII has one.
"""

from __future__ import annotations

import re
import shutil
from codecs import BOM_UTF8
from collections.abc import Iterable
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from srbench.core.files import replacing

STARTS = "=+\\-@\t\r\n＝＋－＠"  # what Excel, LibreOffice or Sheets take for a formula
_FORMULA = re.compile(f"'*[{STARTS}]")
_GUARDED = re.compile(f"'+[{STARTS}]")
_SPECIAL = re.compile('[,"\r\n]')


MOST_IN_MEMORY = 2**26  # bytes of a file that is being made


def write(path: Path, rows: Iterable[Iterable[Any]]) -> None:
    """Replace a file by these rows, the headings first.

    Raises:
        DiskError: names the file, which still has its old content.
    """
    with (
        replacing(path) as file,
        SpooledTemporaryFile(MOST_IN_MEMORY, dir=str(path.parent)) as made,
    ):
        plain = True
        for row in rows:
            text = line(row)
            plain = plain and text.isascii()
            made.write(text.encode())
        made.seek(0)
        file.write(b"" if plain else BOM_UTF8)
        shutil.copyfileobj(made, file)


def encoded(text: str) -> bytes:
    """The bytes of a CSV file."""
    return text.encode() if text.isascii() else BOM_UTF8 + text.encode()


def line(cells: Iterable[Any]) -> str:
    """One row with its line end."""
    return ",".join(map(cell, cells)) + "\n"


def cell(value: Any) -> str:
    """One field: text guarded and quoted where it must be, None empty, a number as it is."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = guarded(value)
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def guarded(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return "'" + text if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The inverse of `guarded`."""
    return text[1:] if _GUARDED.match(text) else text
