"""The summary of a finished study, shown again where nothing has changed since it was printed.

It rests on the command, the study's file, images, code and database. Where all of these are as they
were when the same command ended with nothing left to do, its summary is the stored one, and the
database, which may hold 10,000 runs, is not opened.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from srbench.core.places import database_file
from srbench.report.summary import Summary
from srbench.run import shortcut
from srbench.run.request import Request

COUNTERS = slice(24, 100)  # of SQLite's header: what every transaction changes


def summary(request: Request) -> Summary | None:
    """What the same command printed last; None where anything may have changed since."""
    file = database_file(request.db)
    if file is None or request.fresh or request.rerun_stale or request.files:
        return None
    key = shortcut.key(request.study, request.options())
    with suppress(OSError, ValueError, TypeError, LookupError):
        state, parts = json.loads(_note(file, key).read_text(encoding="utf-8"))
        if state == _state(file) and shortcut.holds(file.parent, key):
            return Summary.from_plain(parts)
    return None


def remember(request: Request, key: str, shown: Summary) -> None:
    """Store what a command printed at its end; the database must be closed."""
    file = database_file(request.db)
    if file is not None and key:
        with suppress(OSError):
            text = json.dumps([_state(file), shown.to_plain()])
            _note(file, key).write_text(text, encoding="utf-8")


def _note(file: Path, key: str) -> Path:
    return file.parent / "runs" / "plans" / f"{key[:32]}.summary.json"


def _state(file: Path) -> list[Any]:
    """Size, time and counters of an SQLite file, and of its journal where one is in use."""
    with file.open("rb") as opened:
        counters = opened.read(COUNTERS.stop)[COUNTERS].hex()
    return [
        str(file.absolute()),
        counters,
        *(_stat(f"{file}{end}") for end in ("", "-wal", "-journal")),
    ]


def _stat(path: str) -> list[int]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ino] if found.st_size else []
