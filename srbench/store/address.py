"""Where a database is: from what the user typed to a URL, a file, and a folder for run files.

A file that exists but is no SQLite database is refused before anything opens it.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from srbench.core.errors import UNSEEN, DatabaseError, NoDatabase
from srbench.core.files import disk_errors, reason_of
from srbench.core.places import DATABASE, database_named

SQLITE_HEADER = b"SQLite format 3\0"


@dataclass(frozen=True)
class Address:
    """A database: `path` is its file (SQLite) or None (PostgreSQL)."""

    url: URL
    path: Path | None
    root: Path

    @property
    def shown(self) -> str:
        """The address as it may be printed: no password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)


def find(typed: str | os.PathLike[str] | None) -> Address:
    """The address for `--db`, else SRBENCH_DB, else db/srbench.sqlite below this folder."""
    text = database_named(typed)
    if "://" not in text:
        return of_file(Path(text))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseError("is no database URL; " + EXAMPLES, place=hidden(text)) from None
    dialect = url.get_backend_name()
    if dialect == "sqlite":
        if not url.database or url.database == ":memory:":
            raise DatabaseError(
                "a database in memory is lost at the end; " + EXAMPLES, place=hidden(text)
            )
        return of_file(Path(url.database))
    if dialect in ("postgresql", "postgres"):
        return Address(url.set(drivername="postgresql+psycopg"), None, Path("db").absolute())
    raise DatabaseError(
        f"databases of kind {dialect!r} are unknown; {EXAMPLES}", place=hidden(text)
    )


EXAMPLES = "known: a file such as db/srbench.sqlite, or postgresql://user@host/name"


def hidden(text: str) -> str:
    """What was typed, without what may be a password."""
    return text.split("://")[0] + "://…"


def of_file(path: Path) -> Address:
    """The address of an SQLite file, whether it exists or not."""
    path = Path(os.path.expanduser(path)).absolute()  # pathlib raises at ~nobody
    if os.path.islink(path):  # journal and runs lie in the folder of the file itself
        path = path.resolve()
    if UNSEEN.search(str(path)):
        raise DatabaseError("no database can have this name; name another", place=str(path))
    return Address(URL.create("sqlite", database=str(path)), path, path.parent)


def check_file(address: Address, *, create: bool) -> None:
    """Refuse a missing file (unless it may be created), a folder, and files of another kind."""
    path = address.path
    if path is None:
        return
    try:
        if path.is_dir():
            raise DatabaseError("is a folder, not a database file", place=str(path))
        if not path.exists():
            if not create:
                named = "" if path == DATABASE.absolute() else f" --db {shlex.quote(str(path))}"
                raise NoDatabase(
                    f"there is no database yet; `srbench run STUDY{named}` creates one",
                    place=str(path),
                )
            with disk_errors(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
            return
        if not path.is_file():
            raise DatabaseError("is no ordinary file", place=str(path))
        with path.open("rb") as file:
            start = file.read(len(SQLITE_HEADER))
    except OSError as error:
        raise DatabaseError(f"cannot be used: {reason_of(error)}", place=str(path)) from None
    if start and start != SQLITE_HEADER:
        raise DatabaseError("is not an SQLite database; it was left as it is", place=str(path))
