"""Whole copies of an SQLite file while others write: copying its bytes would tear it.

VACUUM INTO sees one moment of the database; the copy takes its name only when it is on the disk.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from srbench.core.errors import DatabaseError
from srbench.core.files import ASIDE, disk_errors, flush_folder
from srbench.store.problems import BUSY_SECONDS, explained_by_sqlite


def copy_database(path: Path, copy: Path) -> Path:
    """Copy the database as it was committed last; replaces an older copy of that name.

    Raises:
        DatabaseError: the disk refuses; the database and an older copy are as they were.
    """
    part = copy.with_name(copy.name + ASIDE)
    try:
        with disk_errors(copy):
            part.unlink(missing_ok=True)
            with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as source:
                source.execute("VACUUM INTO ?", (str(part),))
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(copy)
            flush_folder(copy.parent)
    except sqlite3.Error as error:
        problem = explained_by_sqlite(error) or str(error)
        raise DatabaseError(f"could not be copied: {problem}", place=str(copy)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return copy


def copies_of(path: Path) -> list[Path]:
    """The copies in the folder of a database, by name."""
    return sorted(path.parent.glob(f"{path.stem}.before-*{path.suffix}"))
