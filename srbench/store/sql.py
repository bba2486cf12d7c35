"""`srbench sql`: one statement that reads, on a connection that cannot write.

The database enforces it: SQLite opens the file read-only and calls an authorizer before each
action; PostgreSQL has a read-only session.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine

from srbench.core.errors import DatabaseError, UserError, first_line
from srbench.store.engine import open_reader
from srbench.store.problems import DAMAGED, database_errors, explained, shortened
from srbench.store.store import Store
from srbench.store.views import VIEWS

READS = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
)
TABLES = f"views are {', '.join(view.name for view in VIEWS)}; the reference lists all columns"
PRAGMAS = (
    "database_list", "foreign_key_list", "index_info", "index_list", "integrity_check",
    "quick_check", "table_info", "table_list", "table_xinfo", "user_version",
)  # fmt: skip


HINTS = {
    "not authorized": "only reading is allowed",
    "no such column": TABLES, "no such table": TABLES, "does not exist": TABLES,
    "bindings": "write values in place of parameters",
}  # fmt: skip
"""Hints on a statement, by what is in the database's message."""

Rows = tuple[list[str], list[tuple[Any, ...]]]


def ask(store: Store, query: str) -> Rows:
    """Column names and rows of a statement that only reads; DatabaseError otherwise."""
    engine = open_reader(store.address)
    dbapi: Any = engine.dialect.loaded_dbapi
    try:
        with database_errors(engine, "reading"):
            connection = engine.connect()
        with connection:
            driver = connection.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.set_authorizer(authorize)
                return fetched(driver.execute(query))
            # a prepared statement is a single one, so no second can follow it
            cursor: Any = connection.connection.cursor()
            return fetched(cursor.execute(query, prepare=True))
    except UserError:
        raise
    except (dbapi.Error, dbapi.Warning, ValueError) as error:
        found = file_problem(error, engine)
        if found:
            raise DatabaseError(found, place=store.address.shown) from None
        message = first_line(error)
        hints = [hint for sign, hint in HINTS.items() if sign in message]
        raise DatabaseError("; ".join([message, *hints]), place="sql") from None
    finally:
        engine.dispose()


def file_problem(error: Exception, engine: Engine) -> str | None:
    """The fault of the file that an error shows; None where the statement is at fault."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_MISUSE):
        undecoded = str(error).startswith("Could not decode")
        return f"{shortened(error)}: {DAMAGED}" if undecoded else None
    return explained(error, engine)


def fetched(cursor: Any) -> Rows:
    if cursor.description is None:
        raise DatabaseError("the statement returns no rows; use SELECT", place="sql")
    return [column[0] for column in cursor.description], [tuple(row) for row in cursor]


def authorize(action: int, first: str | None, *rest: str | None) -> int:
    """The authorizer that SQLite calls before each action of a statement."""
    allowed = action in READS or (action == sqlite3.SQLITE_PRAGMA and first in PRAGMAS)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
