"""The folder of run files: that of an SQLite file; of a server's database it is stored there.

The table is of servers alone and no part of the schema: what is moved to SQLite needs none.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from srbench.core.errors import DatabaseError, ReadOnly
from srbench.core.files import disk_errors
from srbench.store.address import Address
from srbench.store.engine import migrating, reading

TABLE = "srbench_files"


def stored_folder(connection: Connection) -> Path | None:
    """The folder that a server's database names; None where it names none, or is a file."""
    if connection.dialect.name == "sqlite" or not inspect(connection).has_table(TABLE):
        return None
    found = connection.execute(text(f"SELECT folder FROM {TABLE}")).scalar_one_or_none()
    return None if found is None else Path(found)


def folder_of(engine: Engine, address: Address, named: Path | None, *, create: bool) -> Path:
    """The folder of a database's run files: the one named now, else stored, else the default.

    One that is named is stored, as is the default of a database that may be created.

    Raises:
        DatabaseError: the one named is not there, and another one is stored.
    """
    if address.path is not None:
        return address.root
    with reading(engine) as connection:
        stored = stored_folder(connection)
    if named is not None:
        chosen = Path(os.path.abspath(named.expanduser()))
        if stored is not None and not chosen.is_dir():
            problem = f"is no folder; move the files of {stored} there first, then name it"
            raise DatabaseError(problem, place=f"--files {named}")
        remember(engine, chosen)
        return chosen
    if stored is None and create:
        with suppress(ReadOnly):  # this role may train; the owner's next command remembers
            remember(engine, address.root)
    return stored or address.root


def remember(engine: Engine, folder: Path) -> None:
    """Store the folder with the database, and make it where there is none."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with migrating(engine) as connection:
        if not inspect(connection).has_table(TABLE):
            connection.execute(text(f"CREATE TABLE {TABLE} (folder TEXT NOT NULL)"))
        connection.execute(text(f"DELETE FROM {TABLE}"))
        connection.execute(text(f"INSERT INTO {TABLE} VALUES (:folder)"), {"folder": str(folder)})


def check_folder(folder: Path) -> None:
    """Refuse a folder of run files that is not there, before a new one is filled in its place.

    Raises:
        DatabaseError: names the remedy.
    """
    if not folder.is_dir():
        raise DatabaseError(
            "the folder of run files is not here: put it back, mount it under this path, or name "
            "another: srbench run STUDY --files FOLDER",
            place=str(folder),
        )
