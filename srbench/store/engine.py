"""The one place that opens databases: transactions that take their lock at once, and fsync.

SQLite's busy timeout does not cover a transaction that starts by reading and then writes. So
writers use BEGIN IMMEDIATE, readers BEGIN, and no other module of srbench creates an engine.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from json import JSONDecodeError
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from srbench.core.errors import DatabaseError, UserError, first_line
from srbench.store.address import Address
from srbench.store.journal import Journal

BUSY_SECONDS = 60
READERS_SECONDS = 1800  # a writer that is about to commit waits for readers, who only take time
DAMAGED = "the file is damaged; restore a backup, or `sqlite3 FILE .recover` saves what can be read"
FOREIGN = (
    "holds what srbench does not write ({}); was it changed by another program? "
    "Restore a backup{}; if not, please report this"
)
RECOVER = ", or `sqlite3 FILE .recover`"
REFUSALS = {  # of PostgreSQL, by SQLSTATE
    "42501": "this role has no right to it; connect as another, or have it granted",
    "25006": "the server permits reading only; name one that can be written",
}
UNEXPECTED = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, SQLAlchemyError,
    sqlite3.Error,
)  # fmt: skip
SIGNS_OF_DAMAGE = ("Could not decode", "has no column", "no such", "unsupported file format")
ADVISORY_LOCK = 0x5352_6265  # one number for all of srbench on a PostgreSQL server
REMEDIES = {
    sqlite3.SQLITE_BUSY: f"another process has held the lock for {BUSY_SECONDS} s; run this again",
    sqlite3.SQLITE_LOCKED: "another process holds the lock; run this again",
    sqlite3.SQLITE_FULL: "the disk is full; free some space, then run the same command again",
    sqlite3.SQLITE_IOERR: "the disk reported an error; check it, then run the same command again",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: "the file is damaged, or is no SQLite database; restore a backup",
    sqlite3.SQLITE_CANTOPEN: "the file or its journal cannot be opened; check that disk "
    "and folder are writable, then run the same command again",
    sqlite3.SQLITE_READONLY: "the file or its folder may not be written",
    sqlite3.SQLITE_PERM: "the file may not be used by this user",
    sqlite3.SQLITE_AUTH: "only reading is allowed here",
    sqlite3.SQLITE_PROTOCOL: "its locks do not work; is it on a network disk?",
}


def open_engine(address: Address, journal: Journal) -> Engine:
    """An engine whose connections are set up for safety. Opens nothing yet."""
    if address.path is None:
        return postgres(address, {})
    engine = create_engine(address.url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # or the driver would begin and commit on its own
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = OFF")
        if current_mode(connection) not in ("wal", journal.mode):
            connection.execute("PRAGMA journal_mode = TRUNCATE")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads", False)
        if reads:
            connection.exec_driver_sql("BEGIN")
        else:
            begin_in_turn(connection)

    @event.listens_for(engine, "commit")
    def commit(connection: Connection) -> None:
        commit_after_readers(connection)

    refuse_after_fork(engine)
    return engine


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection to an SQLite file."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def commit_after_readers(connection: Connection) -> None:
    """COMMIT, repeated while others read: an export or a report may take minutes.

    No new reader can start and no other writer can write meanwhile, so waiting loses nothing.
    """
    driver = driver_of(connection)
    if driver.in_transaction:
        repeat_while_busy(driver, "COMMIT", READERS_SECONDS)


def begin_in_turn(connection: Connection) -> None:
    """BEGIN IMMEDIATE, repeated every few milliseconds.

    SQLite's own busy handler slows down to ten attempts a second, so among many busy writers one
    may starve. Short random pauses give all of them the same chance.
    """
    with impatient(driver_of(connection), 0) as driver:
        repeat_while_busy(driver, "BEGIN IMMEDIATE", BUSY_SECONDS)


def repeat_while_busy(driver: sqlite3.Connection, statement: str, seconds: float) -> None:
    """Execute a statement, again and again while another process holds the lock."""
    until = time.monotonic() + seconds
    while True:
        try:
            driver.execute(statement)
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > until:
                raise
        time.sleep(random.uniform(0.001, 0.01))


@contextmanager
def impatient(driver: sqlite3.Connection, milliseconds: int) -> Iterator[sqlite3.Connection]:
    """A connection whose statements wait at most so long for a lock."""
    driver.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield driver
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def open_reader(address: Address) -> Engine:
    """An engine whose connections cannot write."""
    if address.path is None:
        return postgres(address, {"options": "-c default_transaction_read_only=on"})
    location = f"file:{quote(str(address.path))}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(location, uri=True, timeout=BUSY_SECONDS)
        connection.isolation_level = None
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection

    return create_engine(address.url, creator=connect)


def postgres(address: Address, options: dict[str, Any]) -> Engine:
    try:
        engine = create_engine(address.url, pool_pre_ping=True, connect_args=options)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise DatabaseError(
            "PostgreSQL needs its driver: pip install 'srbench[postgresql]'", place=address.shown
        ) from None
    refuse_after_fork(engine)
    return engine


class CrossedFork(RuntimeError):
    """A mistake of the program: a connection may not be used in two processes."""


def refuse_after_fork(engine: Engine) -> None:
    """A connection that a fork has copied would damage the database: it is refused."""

    @event.listens_for(engine, "connect")
    def remember(connection: Any, record: Any) -> None:
        record.info["pid"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def check(connection: Any, record: Any, proxy: Any) -> None:
        if record.info["pid"] != os.getpid():
            raise CrossedFork("this store was opened before a fork; open another one in the child")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its start and commits whole or not at all."""
    with database_errors(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one moment of the database and does not hinder writers."""
    options: dict[str, Any] = {"reads": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with database_errors(engine, reads=True), engine.connect() as connection:
        connection.execution_options(**options)
        with connection.begin():
            yield connection


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A write transaction without foreign keys, which SQLite needs to rebuild a table."""
    with database_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            driver_of(connection).execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                lock(connection)
                yield connection
        finally:
            connection.invalidate()  # never to be reused: its foreign keys are off


def lock(connection: Connection) -> None:
    """One process at a time from here to the end of the transaction (SQLite already has it)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})


@contextmanager
def database_errors(engine: Engine, *, reads: bool = False) -> Iterator[None]:
    """Turn failures of disk, lock and server, and damage, into a DatabaseError of one line."""
    try:
        yield
    except UserError:
        raise
    except UNEXPECTED as error:
        problem = explained(error) or diagnosed(engine, error, reads=reads)
        if problem is None:
            raise
        raise DatabaseError(problem, place=place_of(engine)) from error


def place_of(engine: Engine) -> str:
    """The database as it may be printed: no password."""
    url = engine.url
    return str(url.database) if engine.dialect.name == "sqlite" else url.render_as_string()


def diagnosed(engine: Engine, error: Exception, *, reads: bool) -> str | None:
    """What an error of srbench says about the database; None where the database is intact.

    Reads expect only what srbench writes, so a failure to read means foreign content.
    """
    message = shortened(getattr(error, "orig", error))
    if isinstance(error, UnicodeDecodeError | JSONDecodeError):
        return f"{message}: {DAMAGED}"
    if engine.dialect.name == "sqlite":
        found = first_damage(engine)
        if found is not None:
            return f"{found}: {DAMAGED}"
    recover = RECOVER if engine.dialect.name == "sqlite" else ""
    return FOREIGN.format(f"{type(error).__name__}: {message}", recover) if reads else None


def first_damage(engine: Engine) -> str | None:
    """The first thing that SQLite finds wrong with the file."""
    try:
        with engine.connect() as connection:
            (found,) = driver_of(connection).execute("PRAGMA integrity_check(1)").fetchone()
    except (sqlite3.Error, SQLAlchemyError, UnicodeDecodeError) as error:
        return shortened(getattr(error, "orig", error))
    return None if found == "ok" else shortened(found)


def shortened(message: object) -> str:
    """One line of what SQLite says, which may repeat a whole view."""
    return " ".join(str(message).split())[:200]


def explained(error: Exception) -> str | None:
    """What to show the user; None where the failure is a fault of srbench."""
    cause = getattr(error, "orig", error)  # rows are also fetched from the driver itself
    if isinstance(cause, sqlite3.Error):
        return explained_by_sqlite(cause)
    code = getattr(cause, "sqlstate", None)
    if code in REFUSALS:
        return f"{first_line(cause)}: {REFUSALS[code]}"
    connects = isinstance(error, DBAPIError) and error.statement is None and code is None
    return first_line(cause) if isinstance(error, OperationalError) or connects else None


def explained_by_sqlite(error: sqlite3.Error) -> str | None:
    """SQLite's message and the remedy; None where the failure is a fault of srbench."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    message = shortened(error)
    if any(sign in message for sign in SIGNS_OF_DAMAGE):
        return f"{message}: {DAMAGED}"
    return f"{message}: {REMEDIES[code]}" if code in REMEDIES else None


def current_mode(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def settle_journal(engine: Engine, journal: Journal, patience: float = 5.0) -> str:
    """Bring the file into the chosen mode, and return the mode it is in.

    Entering or leaving WAL needs the file alone. Where others hold it open, or it is read-only,
    the mode stays as it is, which is safe.
    """
    with (
        database_errors(engine),
        engine.connect() as connection,
        impatient(driver_of(connection), 200) as driver,
    ):
        if current_mode(driver) != journal.mode:
            with suppress(sqlite3.OperationalError):
                repeat_while_busy(driver, f"PRAGMA journal_mode = {journal.mode}", patience)
        return current_mode(driver)
