"""How the database is set up and whether it is intact, for `srbench doctor`."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from srbench.store.engine import reading
from srbench.store.journal import NETWORK, Journal, disk_of
from srbench.store.migrate import SCHEMA, copies_of, stored_schema
from srbench.store.run_rows import gone_owners
from srbench.store.store import Store

RUNNING = text("SELECT count(*) FROM runs WHERE state = 'running'")
WEIGHTS = text("SELECT weights FROM runs WHERE weights IS NOT NULL")
STALE = text("SELECT count(*) FROM runs WHERE state = 'running' AND lease_until < :now")


def database_facts(store: Store) -> dict[str, Any]:
    """url, kind, version, schema, journal and why, size, file system, integrity, copies, leases.

    Of `weights` files of finished runs some may be `missing` below `root`.
    `running` runs have an owner; the processes of `left` owners of this machine have ended, and
    `expired` leases have run out: the next `srbench run` claims both.
    """
    address, disk = store.address, disk_of(store.root)
    with reading(store.engine) as connection:
        facts = {
            "running": connection.execute(RUNNING).scalar_one(),
            "left": len(gone_owners(connection)),
            "expired": connection.execute(STALE, {"now": store.clock()}).scalar_one(),
            "url": address.shown,
            "schema": stored_schema(connection),
            "schema_known": SCHEMA,
            "root": str(address.root),
            "free_bytes": shutil.disk_usage(existing(address.root)).free,
            **weights_there(connection, address.root),
            "journal": None,
            "journal_why": None,
            "file_system": disk or None,
            "network_file_system": disk if disk in NETWORK else None,
            "integrity": "ok",
            "copies": [],
            "hard_links": 1,
        }
        if address.path is None:
            return (
                facts | {"file_system": None, "network_file_system": None} | of_server(connection)
            )
        return facts | of_file(connection, address.path, store.journal)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def weights_there(connection: Connection, root: Path) -> dict[str, int]:
    """How many files of weights runs name, and how many of them are missing."""
    named = [root / str(path) for path in connection.execute(WEIGHTS).scalars()]
    return {"weights": len(named), "missing": sum(not path.is_file() for path in named)}


def of_file(connection: Connection, path: Path, journal: Journal) -> dict[str, Any]:
    """What an SQLite file is like."""
    mode = str(connection.execute(text("PRAGMA journal_mode")).scalar_one())
    why = journal.why
    if mode != journal.mode:
        why = f"{journal.mode} was chosen ({why}), but another process keeps the file open"
    found = connection.execute(text("PRAGMA integrity_check(1)")).scalar_one()
    broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
    return {
        "kind": "sqlite",
        "version": sqlite3.sqlite_version,
        "journal": mode,
        "journal_why": why,
        "size_bytes": path.stat().st_size,
        "integrity": f"{len(broken)} links lead nowhere" if found == "ok" and broken else found,
        "copies": [copy.name for copy in copies_of(path)],
        "hard_links": path.stat().st_nlink,
    }


def of_server(connection: Connection) -> dict[str, Any]:
    """What a PostgreSQL server is like."""
    size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    version = connection.execute(text("SHOW server_version")).scalar_one()
    return {"kind": "postgresql", "version": str(version), "size_bytes": int(size)}
