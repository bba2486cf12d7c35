"""Merges another database into this one: rows that both have stay once, all others are added.

One transaction: after a crash this database is as it was before, or has all of it. Files are
copied before it ends, so no row names a file that is missing; a crash leaves at most files, which
the next merge overwrites.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from sqlalchemy import Connection, func, select

from srbench.core.errors import DatabaseError
from srbench.store.address import Address, check_file, find
from srbench.store.engine import lock, open_reader, reading, writing
from srbench.store.merge_files import bring_files
from srbench.store.merge_plans import take_cells, take_plans, take_trials, take_variants
from srbench.store.merge_runs import refuse_busy, take_curves, take_pictures, take_runs
from srbench.store.merge_tables import Transfer
from srbench.store.migrate import SCHEMA, refuse_unreadable, stored_schema
from srbench.store.store import Store
from srbench.store.tables import Base, Plan, Score
from srbench.store.upsert import table_of
from srbench.store.values import Merged

SPECIAL = {
    "plans": take_plans, "variants": take_variants, "cells": take_cells, "trials": take_trials,
    "runs": take_runs, "curves": take_curves, "pictures": take_pictures,
}  # fmt: skip
"""Tables whose rows change on the way; all others are taken by their unique columns or key."""


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
    if other.path is not None and address.path is not None and other.path.samefile(address.path):
        raise DatabaseError("is this database itself", place=other.shown)
    reader = open_reader(other)
    try:
        with reading(reader) as source:
            if reader.dialect.name == "sqlite":
                source.exec_driver_sql("BEGIN")  # one moment of it, while others write
            check_schema(source, other)
            with writing(store.engine) as target:
                lock(target)
                refuse_busy(target, store.clock())
                return taken(Transfer(source, target), other.root, address.root)
    finally:
        reader.dispose()


def check_schema(source: Connection, other: Address) -> None:
    """Refuse a database with another schema, and name the remedy."""
    found = stored_schema(source)
    if found is None:
        raise DatabaseError("is no database of srbench", place=other.shown)
    refuse_unreadable(found, other)
    if found != SCHEMA:
        remedy = f"`srbench doctor --db {other.shown}` upgrades it, then merge"
        raise DatabaseError(f"has schema {found}, this one {SCHEMA}: {remedy}", place=other.shown)


def taken(transfer: Transfer, there: Path, here: Path) -> Merged:
    """Take every table, those that others link to first, and the files of the runs."""
    before = counts(transfer.target)
    for table in Base.metadata.sorted_tables:
        if table.name in SPECIAL:
            SPECIAL[table.name](transfer)
        elif "id" in table.columns:
            transfer.take(table)
        else:
            transfer.pour(table)
    files, missing = bring_files(transfer, there, here)
    kinds = Counter(run.kind for run in transfer.runs.values())
    plans, scores = (new - old for new, old in zip(counts(transfer.target), before, strict=True))
    return Merged(
        plans=plans,
        new=kinds["new"],
        finished=kinds["finished"],
        same=kinds["same"],
        apart=kinds["apart"],
        scores=scores,
        files=files,
        missing=missing,
    )


def counts(target: Connection) -> tuple[int, int]:
    """How many plans and scores there are."""
    plans, scores = (select(func.count()).select_from(table_of(kind)) for kind in (Plan, Score))
    return target.execute(plans).scalar_one(), target.execute(scores).scalar_one()
