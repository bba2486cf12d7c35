"""CSV in which spreadsheets run no formula, and which programs read back unchanged.

A text that begins like a formula gets an apostrophe, as OWASP advises (CWE-1236); one that begins
with apostrophes before such a start gets one more, so that taking one away is the inverse.
Numbers stay numbers. Python's own writer leaves a carriage return unquoted, hence `line`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

STARTS = "=+\\-@\t\r\n＝＋－＠"  # what Excel, LibreOffice or Sheets take for a formula
_FORMULA = re.compile(f"'*[{STARTS}]")
_GUARDED = re.compile(f"'+[{STARTS}]")
_SPECIAL = re.compile('[,"\r\n]')


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
