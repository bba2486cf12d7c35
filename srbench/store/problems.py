"""Errors of SQLite and PostgreSQL as sentences that name the cause and what to do: only here.

Codes decide, SQLite's and SQLSTATE. Only a server that cannot be reached gives none, so there
words do; where they are in another language, the server's own sentence stands alone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from srbench.core.errors import DatabaseError, ReadOnly, ServerGone, UserError, first_line
from srbench.core.files import AGAIN, reason_of

BUSY_SECONDS = 60
DAMAGED = "the file is damaged; restore a backup, or `sqlite3 FILE .recover` saves what can be read"
FOREIGN = (
    "holds what srbench does not write ({}); was it changed by another program? "
    "Restore a backup{}; if not, please report this"
)
RECOVER = ", or `sqlite3 FILE .recover`"
UNEXPECTED = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, SQLAlchemyError,
    sqlite3.Error,
)  # fmt: skip
SIGNS_OF_DAMAGE = ("Could not decode", "has no column", "no such", "unsupported file format")
REMEDIES = {
    sqlite3.SQLITE_BUSY: f"another process has held the lock for {BUSY_SECONDS} s; run this again",
    sqlite3.SQLITE_LOCKED: "another process holds the lock; run this again",
    sqlite3.SQLITE_FULL: f"the disk is full; free some space, then {AGAIN}",
    sqlite3.SQLITE_IOERR: f"the disk reported an error; check it, then {AGAIN}",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: "the file is damaged, or is no SQLite database; restore a backup",
    sqlite3.SQLITE_CANTOPEN: "the file or its journal cannot be opened; check that disk "
    f"and folder are writable, then {AGAIN}",
    sqlite3.SQLITE_READONLY: "the file or its folder may not be written",
    sqlite3.SQLITE_PERM: "the file may not be used by this user",
    sqlite3.SQLITE_AUTH: "only reading is allowed here",
    sqlite3.SQLITE_PROTOCOL: "its locks do not work; is it on a network disk?",
}

LOST = "was deleted or moved while it was in use: put it back, then run the same command again"
REPLACED = (
    "was replaced by another file while it was in use: put the former back, or run the same "
    "command again to use this one"
)
EMPTIED = "was emptied while it was in use: restore a backup, then run the same command again"
CUT = (
    "was truncated, {size:,} of {whole:,} bytes are left: restore a backup, or "
    "`sqlite3 FILE .recover` saves what can be read"
)
Doing = Literal["reading", "writing", "making tables"]
NO_RIGHT, STANDBY = "42501", "25006"
MAY_READ = "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
MAY_WRITE = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; "
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"
)
GRANTS: dict[Doing, str] = {
    "reading": f"the role {{role}} may not read; the owner of the tables grants it: {MAY_READ}",
    "writing": f"the role {{role}} may not write; the owner of the tables grants it: {MAY_WRITE}",
    "making tables": "the role {role} may not make tables; the owner of the database grants it: "
    "GRANT CREATE ON SCHEMA {schema} TO {role}",
}
SQLSTATES = {
    STANDBY: "the server permits reading only; name one that can be written",
    "22P05": "the encoding of this database lacks the character; make another, "
    "`createdb -E UTF8 -T template0 NAME`, and `srbench merge` this one into it",
    "53100": f"the server's disk is full; free some space there, then {AGAIN}",
    "53200": f"the server lacks memory; free some, then {AGAIN}",
    "53300": f"the server has no connection left; end other programs, then {AGAIN}",
    "58030": f"the server's disk reported an error; check it, then {AGAIN}",
}
UNREACHED = {
    'role "': "name a role that the server knows: postgresql://ROLE@HOST/NAME",
    "password": "write the password into ~/.pgpass or PGPASSWORD",
    "pg_hba.conf": "the server's pg_hba.conf admits no such connection; ask who runs it",
    "permission denied for database": "the owner of the database grants it: "
    "GRANT CONNECT ON DATABASE NAME TO ROLE",
    'database "': "name one that the server has, or make it: createdb -E UTF8 NAME",
    "resolve host": "is the name of the host right?",
    "Connection refused": "does the server run, and are host and port right?",
    "No such file or directory": "does the server run, and are host and port right?",
    "timeout": "does the server run, and are host and port right?",
    "starting up": f"wait a moment, then {AGAIN}",
    "shutting down": f"wait until it runs again, then {AGAIN}",
}
"""What to do where PostgreSQL cannot be reached, by what is in its message."""


@contextmanager
def database_errors(engine: Engine, doing: Doing = "writing") -> Iterator[None]:
    """Turn failures of disk, lock and server, and damage, into a DatabaseError of one line."""
    try:
        yield
    except UserError:
        raise
    except UNEXPECTED as error:
        problem = explained(error, engine, doing) or diagnosed(engine, error, doing)
        if problem is None:
            raise
        raise kind_of(error, engine)(problem, place=place_of(engine)) from error


def place_of(engine: Engine) -> str:
    """The database as it may be printed: no password."""
    url = engine.url
    return str(url.database) if engine.dialect.name == "sqlite" else url.render_as_string()


def explained(error: Exception, engine: Engine, doing: Doing = "reading") -> str | None:
    """What to show the user; None where the failure is a fault of srbench."""
    cause = getattr(error, "orig", error)  # rows are also fetched from the driver itself
    if isinstance(cause, sqlite3.Error):
        return what_became(cause, engine) or explained_by_sqlite(cause)
    code, message = getattr(cause, "sqlstate", None), shortened(first_line(cause))
    if code == NO_RIGHT:
        dialect = engine.dialect
        role = dialect.identifier_preparer.quote(engine.url.username or "CURRENT_USER")
        schema = dialect.default_schema_name or "public"
        return f"{message}: {GRANTS[doing].format(role=role, schema=schema)}"
    if ended_connection(error):
        return f"{message}: the server ended the connection; wait until it runs, then {AGAIN}"
    if code in SQLSTATES:
        return f"{message}: {SQLSTATES[code]}"
    connects = isinstance(error, DBAPIError) and error.statement is None and code is None
    if connects or isinstance(error, OperationalError):
        remedy = next((what for sign, what in UNREACHED.items() if sign in message), "")
        return f"{message}: {remedy}" if remedy else message
    return None


def what_became(error: sqlite3.Error, engine: Engine) -> str | None:
    """Whether a file was lost, replaced or cut, which SQLite reports as other errors."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR):
        return None
    try:
        with open(str(engine.url.database), "rb") as file:
            head, size = file.read(32), os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return LOST
    except OSError:
        return None
    if size == 0:
        return EMPTIED
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return REPLACED
    page = int.from_bytes(head[16:18])
    whole = int.from_bytes(head[28:32]) * (65536 if page == 1 else page)
    if page.bit_count() != 1 or size >= whole:  # no header of SQLite's, or the file is whole
        return None
    return CUT.format(size=size, whole=whole)


def explained_by_sqlite(error: sqlite3.Error) -> str | None:
    """SQLite's message and the remedy; None where the failure is a fault of srbench."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    message = shortened(error)
    if any(sign in message for sign in SIGNS_OF_DAMAGE):
        return f"{message}: {DAMAGED}"
    if code == sqlite3.SQLITE_CANTOPEN:
        try:
            open(os.devnull, "rb").close()
        except OSError as limit:  # no file can be opened
            return f"{message}: {reason_of(limit)}"
    return f"{message}: {REMEDIES[code]}" if code in REMEDIES else None


def kind_of(error: Exception, engine: Engine) -> type[DatabaseError]:
    """The error to raise: whether one may go on reading, or try again."""
    cause = getattr(error, "orig", error)
    if ended_connection(error):
        return ServerGone
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        path = Path(str(engine.url.database))
        refused = what_became(cause, engine) is None and (
            code == sqlite3.SQLITE_READONLY
            or (code == sqlite3.SQLITE_CANTOPEN and not os.access(path.parent, os.W_OK))
        )
    else:
        refused = getattr(cause, "sqlstate", None) in (NO_RIGHT, STANDBY)
    return ReadOnly if refused else DatabaseError


def ended_connection(error: Exception) -> bool:
    """Whether the server ended the connection within a transaction."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def diagnosed(engine: Engine, error: Exception, doing: Doing) -> str | None:
    """What an error of srbench shows about the database; None where the database is intact.

    Reads expect only what srbench writes, so a failure to read means foreign content.
    """
    message = shortened(getattr(error, "orig", error))
    recover = ""
    if engine.dialect.name == "sqlite":
        recover = RECOVER
        if isinstance(error, UnicodeDecodeError | JSONDecodeError):
            return f"{message}: {DAMAGED}"
        found = first_damage(engine)
        if found is not None:
            return f"{found}: {DAMAGED}"
    if doing != "reading":
        return None
    return FOREIGN.format(f"{type(error).__name__}: {message}", recover)


def first_damage(engine: Engine) -> str | None:
    """The first thing that SQLite finds wrong with the file."""
    try:
        with engine.connect() as connection:
            (found,) = driver_of(connection).execute("PRAGMA integrity_check(1)").fetchone()
    except (sqlite3.Error, SQLAlchemyError, UnicodeDecodeError) as error:
        return shortened(getattr(error, "orig", error))
    return None if found == "ok" else shortened(found)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection to an SQLite file."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def deepest(error: BaseException) -> str:
    """The first cause in words: those of Optuna about its storage hide the disk's."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, sqlite3.Error):
        return explained_by_sqlite(error) or shortened(error)
    return f"{type(error).__name__}: {first_line(error)}"


def shortened(message: object) -> str:
    """A database's message on one line; it may repeat a whole view."""
    return " ".join(str(message).split())[:200]
