"""How the database is set up and whether it is intact, for `srbench doctor`."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, text

from srbench.store.address import Address
from srbench.store.copies import copies_of
from srbench.store.engine import reading
from srbench.store.journal import Disk, Journal
from srbench.store.migrate import SCHEMA, stored_schema
from srbench.store.run_rows import gone_owners
from srbench.store.store import Store

RUNNING = text("SELECT count(*) FROM runs WHERE state = 'running'")
STALE = text("SELECT count(*) FROM runs WHERE state = 'running' AND lease_until < :now")


def database_facts(store: Store) -> dict[str, Any]:
    """url, kind, version, schema, journal and why, size, file system, integrity, copies, leases.

    `running` runs have an owner; of `left` owners of this machine the process has ended, and
    `expired` leases have run out: the next `srbench run` takes both up.
    """
    address = store.address
    with reading(store.engine) as connection:
        running = connection.execute(RUNNING).scalar_one()
        stale = connection.execute(STALE, {"now": store.clock()}).scalar_one()
        common = {
            "running": running,
            "left": len(gone_owners(connection)),
            "expired": stale,
            "url": address.shown,
            "schema": stored_schema(connection),
            "schema_known": SCHEMA,
            "root": str(address.root),
        }
        if address.path is None:
            return common | of_server(connection)
        return common | of_file(connection, address, store.journal, store.disk)


def of_file(
    connection: Connection, address: Address, journal: Journal, disk: Disk
) -> dict[str, Any]:
    mode = str(connection.execute(text("PRAGMA journal_mode")).scalar_one())
    why = journal.why
    if mode != journal.mode:
        why = f"{journal.mode} was chosen ({why}), but another process keeps the file open"
    found = connection.execute(text("PRAGMA integrity_check(1)")).scalar_one()
    broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
    integrity = str(found) if found != "ok" or not broken else f"{len(broken)} links lead nowhere"
    assert address.path is not None
    return {
        "kind": "sqlite",
        "version": sqlite3.sqlite_version,
        "journal": mode,
        "journal_why": why,
        "size_bytes": address.path.stat().st_size,
        "file_system": disk.kind or None,
        "network_file_system": disk.network,
        "integrity": integrity,
        "copies": [copy.name for copy in copies_of(address.path)],
        "hard_links": address.path.stat().st_nlink,
    }


def of_server(connection: Connection) -> dict[str, Any]:
    size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    return {
        "kind": "postgresql",
        "version": str(connection.execute(text("SHOW server_version")).scalar_one()),
        "journal": None,
        "journal_why": None,
        "size_bytes": int(size),
        "file_system": None,
        "network_file_system": None,
        "integrity": "ok",
        "copies": [],
        "hard_links": 1,
    }
