"""An open database: the roles that callers take, over one engine and one clock."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from srbench.core.errors import DatabaseError
from srbench.store.address import Address, check_file, find
from srbench.store.engine import open_engine, patient, settle_journal
from srbench.store.journal import Journal, choose, disk_of
from srbench.store.measurements import Measurements, remove_passwords
from srbench.store.migrate import bring_up_to_date
from srbench.store.plans import Plans
from srbench.store.published import PublishedFigures
from srbench.store.queue import Queue
from srbench.store.run_files import folder_of
from srbench.store.runs import Runs
from srbench.store.trials import Trials

if TYPE_CHECKING:  # pandas takes half a second, which a finished study's second run does without
    from srbench.store.read import Reading


@dataclass(frozen=True)
class Store:
    """An open database and the folder of its run files. Made by `open_store`."""

    engine: Engine
    address: Address
    journal: Journal
    clock: Callable[[], float] = time.time

    @property
    def plans(self) -> Plans:
        """What studies ask for."""
        return Plans(self.engine, self.clock)

    @property
    def queue(self) -> Queue:
        """Who trains which run."""
        return Queue(self.engine, self.clock)

    @property
    def measurements(self) -> Measurements:
        """Writing what was measured."""
        return Measurements(self.engine, self.clock)

    @property
    def trials(self) -> Trials:
        """The trials of searches."""
        return Trials(self.engine, self.clock)

    @property
    def published(self) -> PublishedFigures:
        """Figures of others."""
        return PublishedFigures(self.engine, self.clock)

    @property
    def runs(self) -> Runs:
        """Runs of any study."""
        return Runs(self.engine)

    @property
    def reading(self) -> Reading:
        """Everything stored, as frames."""
        from srbench.store.read import Reading

        return Reading(self.engine, self.root)

    @property
    def root(self) -> Path:
        """The folder that paths of weights and pictures are relative to."""
        return self.address.root

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self.engine.dispose()


def open_store(
    url: str | os.PathLike[str] | None = None,
    *,
    create: bool = True,
    files: Path | None = None,
) -> Store:
    """Open the database at a path or URL, else at SRBENCH_DB, else db/srbench.sqlite.

    Creates it where there is none (unless `create` is False) and upgrades an older one. `files`
    is the folder of run files of a PostgreSQL database, which remembers it.

    Raises:
        DatabaseError: it is missing, of another program, of a newer srbench, of a development
            version, damaged or not reachable.
    """
    address = find(url)
    if files is not None and address.path is not None:
        problem = "run files of an SQLite database lie beside it; --files is for PostgreSQL"
        raise DatabaseError(problem, place=f"--files {files}")
    check_file(address, create=create)
    journal = choose(sqlite3.sqlite_version_info, disk_of(address.root))
    engine = open_engine(address, journal)
    try:
        bring_up_to_date(engine, address, create=create)
        if address.path is not None:
            settle_journal(engine, journal)
        remove_passwords(engine)
        address = replace(address, root=folder_of(engine, address, files, create=create))
    except BaseException:
        engine.dispose()
        raise
    return Store(patient(engine), address, journal)
