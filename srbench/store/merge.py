"""Merges another database into this one: rows that both have stay once, all others are added.

One transaction: after a crash this database is as it was before, or has all of it. Files are
copied before it ends, so no row names a file that is missing; a crash leaves at most files, which
the next merge overwrites.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from shlex import quote

from sqlalchemy import Connection, func, select

from srbench.core.errors import DatabaseError
from srbench.store.address import Address, check_file, find
from srbench.store.engine import lock, open_reader, reading, writing
from srbench.store.merge_rows import Transfer, counted_on, turned
from srbench.store.merge_runs import (
    Taken,
    bring_files,
    refuse_busy,
    take_pictures,
    take_runs,
    take_segments,
)
from srbench.store.migrate import SCHEMA, refuse_unreadable, stored_schema
from srbench.store.run_files import check_folder, stored_folder
from srbench.store.store import Store
from srbench.store.table_base import table_of
from srbench.store.tables import Base, Plan, Score
from srbench.store.values import Merged

PLACES = {"variants": "position", "cells": "position", "trials": "number"}
"""Columns that count the rows of a plan."""


def merge(store: Store, url: str | os.PathLike[str]) -> Merged:
    """Take everything of another database, and its run files, into this one.

    Raises:
        DatabaseError: it is missing, of another schema, the same database, or holds what srbench
            does not write; or runs are being trained into this one. Nothing is changed then.
    """
    address, other = store.address, find(url)
    if other.path is not None and not other.path.exists():
        raise DatabaseError("there is no such database", place=other.shown)
    check_file(other, create=False)
    if other.url == address.url or (
        other.path and address.path and other.path.samefile(address.path)
    ):
        raise DatabaseError("is this database itself", place=other.shown)
    check_folder(address.root)
    reader = open_reader(other)
    try:
        with reading(reader) as source:
            if reader.dialect.name == "sqlite":
                source.exec_driver_sql("BEGIN")  # one moment of it, while others write
            check_schema(source, other)
            with writing(store.engine) as target:
                lock(target)
                refuse_busy(target, store.clock())
                there = stored_folder(source) or other.root
                return taken(Transfer(source, target), there, address.root)
    finally:
        reader.dispose()


def check_schema(source: Connection, other: Address) -> None:
    """Refuse a database with another schema, and name the remedy."""
    found = stored_schema(source)
    if found is None:
        raise DatabaseError("is no database of srbench", place=other.shown)
    refuse_unreadable(found, other)
    if found != SCHEMA:
        remedy = f"`srbench doctor --db {quote(other.shown)}` upgrades it, then merge"
        raise DatabaseError(f"has schema {found}, this one {SCHEMA}: {remedy}", place=other.shown)


def taken(transfer: Transfer, there: Path, here: Path) -> Merged:
    """Take every table, those that others link to first, and the files of the runs."""
    before = counts(transfer.target)
    runs, pictures = dict[int, Taken](), dict[str, str]()
    for table in Base.metadata.sorted_tables:
        if place := PLACES.get(table.name):
            transfer.take(table, counted_on(transfer, table, place), place)
        elif table.name == "plans":
            transfer.take(table, turned(transfer))
        elif table.name == "runs":
            runs = take_runs(transfer)
        elif table.name == "pictures":
            pictures = take_pictures(transfer, runs)
        elif table.name == "segments":
            take_segments(transfer)
        elif "id" in table.columns:
            transfer.take(table)
        else:
            transfer.pour(table)
    files, missing = bring_files(runs.values(), pictures, there, here)
    became = Counter(run.kind for run in runs.values())
    plans, scores = (new - old for new, old in zip(counts(transfer.target), before, strict=True))
    kinds = {kind: became[kind] for kind in ("new", "finished", "same", "apart")}
    return Merged(plans=plans, scores=scores, files=files, missing=missing, **kinds)


def counts(target: Connection) -> tuple[int, int]:
    """How many plans and scores there are."""
    plans, scores = (select(func.count()).select_from(table_of(kind)) for kind in (Plan, Score))
    return target.execute(plans).scalar_one(), target.execute(scores).scalar_one()
