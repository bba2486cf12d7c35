"""The one place that opens databases: transactions that take their lock at once, and fsync.

SQLite's busy timeout does not cover a transaction that starts by reading and then writes. So
writers use BEGIN IMMEDIATE, readers BEGIN, and no other module of srbench creates an engine.
"""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import NoSuchModuleError, OperationalError

from srbench.core.errors import DatabaseError, first_line
from srbench.store.address import Address
from srbench.store.journal import Journal
from srbench.store.problems import BUSY_SECONDS, LOST, database_errors, driver_of, place_of

RESTART_SECONDS = 300  # that an open store waits for a server which does not answer any more
READERS_SECONDS = 1800  # a writer that is about to commit waits for readers, who only take time
ALONE_SECONDS = 5.0  # that opening waits to have a file alone, which another journal needs
ADVISORY_LOCK = 0x5352_6265  # one number for all of srbench on a PostgreSQL server


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

    path = address.path

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not path.exists():  # SQLite may go on with a file that no name leads to any more
            raise DatabaseError(LOST, place=str(path))
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
    """An engine for a server, whatever the encoding of the database: the client's is UTF-8."""
    options = {**options, "client_encoding": "utf8"}
    try:
        engine = create_engine(address.url, pool_pre_ping=True, connect_args=options)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise DatabaseError(
            "PostgreSQL needs its driver: pip install 'srbench[postgresql]'", place=address.shown
        ) from None
    refuse_after_fork(engine)
    return engine


@dataclass
class Patience:
    """How long the server of an open store has not answered; it may restart meanwhile."""

    since: float | None = None  # on the monotonic clock

    def wait(self, engine: Engine, error: OperationalError) -> None:
        """Wait a second.

        Raises:
            DatabaseError: it has been too long; the next call does not wait.
        """
        now = time.monotonic()
        limit, problem = f"{RESTART_SECONDS / 60:.2g} minutes", first_line(error.orig or error)
        if self.since is None:
            self.since = now
            logging.getLogger("srbench").warning(
                "srbench: the database's server does not answer; waiting for up to %s", limit
            )
        if now - self.since > RESTART_SECONDS:
            raise DatabaseError(
                f"{problem}: the server has not answered for {limit}. What was stored is safe: "
                "start the server, then run the same command again",
                place=place_of(engine),
            ) from error
        time.sleep(1)


def patient(engine: Engine) -> Engine:
    """The engine of an open store, whose transactions wait while its server restarts."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(patience=Patience())


def connected(engine: Engine) -> Connection:
    """A connection; of an open store, as soon as its server answers."""
    patience: Patience | None = engine.get_execution_options().get("patience")
    while True:
        try:
            connection = engine.connect()
        except OperationalError as error:
            if patience is None:
                raise
            patience.wait(engine, error)
        else:
            if patience is not None:
                patience.since = None
            return connection


def refuse_after_fork(engine: Engine) -> None:
    """A connection that a fork has copied would damage the database: it is refused."""

    @event.listens_for(engine, "connect")
    def remember(connection: Any, record: Any) -> None:
        record.info["pid"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def check(connection: Any, record: Any, proxy: Any) -> None:
        if record.info["pid"] != os.getpid():
            raise RuntimeError("this store was opened before a fork; open another one there")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its start and commits whole or not at all."""
    with database_errors(engine), connected(engine) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one moment of the database and does not hinder writers."""
    options: dict[str, Any] = {"reads": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with database_errors(engine, "reading"), connected(engine) as connection:
        connection.execution_options(**options)
        with connection.begin():
            yield connection


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A write transaction without foreign keys, which SQLite needs to rebuild a table."""
    with database_errors(engine, "making tables"), engine.connect() as connection:
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


def current_mode(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def settle_journal(engine: Engine, journal: Journal) -> str:
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
                repeat_while_busy(driver, f"PRAGMA journal_mode = {journal.mode}", ALONE_SECONDS)
        return current_mode(driver)
