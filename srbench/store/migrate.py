"""Creates the schema or upgrades an older one: once, under a lock, whole or not at all.

Every opening compares the stored version with ours, which is cheap. Only where they differ is
Alembic imported; before it changes a file that holds rows, the file is copied whole: copying the
bytes of a file that others write would tear it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import ColumnClause, Connection, Engine, column, inspect, select, table, text

from srbench.core.errors import DatabaseError, NoDatabase
from srbench.core.files import ASIDE, disk_errors, flush_folder
from srbench.store.address import Address
from srbench.store.engine import migrating, reading
from srbench.store.problems import BUSY_SECONDS, explained_by_sqlite
from srbench.store.tables import Base
from srbench.store.views import VIEWS

SCHEMA = "v0002"
BASELINE = "v0002"  # development versions before it wrote 0001 to 0004 and v0001
SCRIPTS = Path(__file__).parent / "migrations"
VERSION_TABLE = "srbench_version"


def bring_up_to_date(
    engine: Engine,
    address: Address,
    *,
    create: bool,
    scripts: Path = SCRIPTS,
    schema: str = SCHEMA,
) -> None:
    """Make or upgrade the schema. DatabaseError where the database is newer or someone else's."""
    with reading(engine) as connection:
        found = examine(connection, address, schema)
    if found == schema:
        return
    if found is None and not create:
        raise NoDatabase("holds no studies yet; `srbench run STUDY` adds some", place=address.shown)
    with migrating(engine) as connection:
        found = examine(connection, address, schema)
        if found == schema:
            return
        if found is not None and address.path is not None:
            back_up(address.path, schema)
        for view in reversed(VIEWS):
            connection.execute(text(view.drop))
        upgrade(connection, scripts, schema)
        for view in VIEWS:
            connection.execute(text(view.create(connection.dialect.name)))
        check_links(connection)


def stored_schema(connection: Connection) -> str | None:
    """The version written in the database, or None where there is no version table."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    number: ColumnClause[str] = column("version_num")
    found = connection.execute(select(number).select_from(table(VERSION_TABLE)))
    return found.scalar_one_or_none()


def examine(connection: Connection, address: Address, schema: str) -> str | None:
    """The version found; None where the database is empty."""
    found = stored_schema(connection)
    if found is None:
        found_there = inspect(connection)
        others = {*found_there.get_table_names(), *found_there.get_view_names()} - {VERSION_TABLE}
        if address.path is None:  # a server's database may be shared: only our names matter
            others &= set(Base.metadata.tables)
        if others:
            raise DatabaseError(
                f"is a database of something else (it has the table or view {min(others)!r}); "
                "it was left as it is",
                place=address.shown,
            )
    else:
        refuse_unreadable(found, address, schema)
    return found


def refuse_unreadable(found: str, address: Address, schema: str = SCHEMA) -> None:
    """Refuse a version that no migration leads from; DatabaseError says what to do."""
    if found > schema:
        problem = (
            f"was written by a newer srbench (schema {found}; this one knows {schema}): "
            "pip install --upgrade srbench"
        )
    elif found < BASELINE:
        problem = (
            f"was written by a development version of srbench (schema {found}), which this one "
            "cannot read: move the file away and run its studies again"
        )
    else:
        return
    raise DatabaseError(problem, place=address.shown)


def back_up(path: Path, schema: str) -> Path:
    """Copy the database as it was committed last; replaces the copy of a failed attempt."""
    return copy_database(path, path.with_name(f"{path.stem}.before-{schema}{path.suffix}"))


def upgrade(connection: Connection, scripts: Path, schema: str) -> None:
    """Run the missing migrations within the connection's transaction."""
    from alembic import command  # takes 0.2 s, which an up-to-date database saves
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "version_table": VERSION_TABLE})
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, schema)


def check_links(connection: Connection) -> None:
    """Refuse a migration that leaves a broken link (SQLite does not check while it runs)."""
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
        if broken:
            raise RuntimeError(f"the migration broke {len(broken)} links, first {broken[0]}")


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
