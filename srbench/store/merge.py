"""Another database taken into this one: what both have stays once, what only one has is kept.

Rows are known by what they are about, not by their numbers: studies and variants by name, plans
and trainings by digest, images by content, runs as `merge_runs` says. One transaction: after a
crash the target is as it was before, or has all of it. Files come first, so no row names one that
is not there; a file that a crash left over is written again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from srbench.core.errors import DatabaseError
from srbench.store.address import Address, check_file, find
from srbench.store.engine import lock, open_reader, reading, writing
from srbench.store.merge_files import bring_files
from srbench.store.merge_plans import take_cells, take_plans
from srbench.store.merge_rows import AT_ONCE, Row, numbered, rows, without_id
from srbench.store.merge_runs import Taken, refuse_busy, take_runs
from srbench.store.migrate import SCHEMA, refuse_unreadable, stored_schema
from srbench.store.store import Store
from srbench.store.tables import (
    Base,
    Curve,
    Dataset,
    Image,
    LatencyNetwork,
    LatencyPass,
    LatencySample,
    Look,
    Picture,
    Plan,
    Point,
    Provenance,
    PublishedFigure,
    Run,
    Score,
    Study,
    Training,
)
from srbench.store.upsert import put, table_of
from srbench.store.validate_rows import check_path
from srbench.store.values import Merged


def merge(store: Store, url: str | os.PathLike[str]) -> Merged:
    """Take everything of another database, and its run files, into this one.

    Raises:
        DatabaseError: it is missing, of another schema, the same database, or holds what srbench
            does not write; or runs are being trained into this one. Nothing is changed then.
    """
    address, other = store.address, find(url)
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
                return taken(source, target, other.root, address.root)
    finally:
        reader.dispose()


def check_schema(source: Connection, other: Address) -> None:
    found = stored_schema(source)
    if found == SCHEMA:
        return
    if found is None:
        raise DatabaseError("is no database of srbench", place=other.shown)
    refuse_unreadable(found, other)
    remedy = f"`srbench doctor --db {other.shown}` upgrades it, then merge"
    raise DatabaseError(f"has schema {found}, this one {SCHEMA}: {remedy}", place=other.shown)


def taken(source: Connection, target: Connection, there: Path, here: Path) -> Merged:
    before = counts(target)
    put(target, Training, list(rows(source, Training)), unique=["fingerprint"])
    put(target, Dataset, list(rows(source, Dataset)), unique=["manifest"])
    images = numbered(source, target, Image, ("manifest", "name"))
    provenances = numbered(source, target, Provenance, ("digest",))
    studies = numbered(source, target, Study, ("name",))
    variants = take_plans(source, target, studies)
    take_cells(source, target, variants)
    looks = [row | {"variant_id": variants[row["variant_id"]]} for row in rows(source, Look)]
    put(target, Look, looks, unique=["variant_id", "seeds"])
    take_published(source, target, studies)
    take_passes(source, target, provenances)
    runs = take_runs(target, rows(source, Run), provenances)
    pictures = list(moved_pictures(rows(source, Picture), runs, images))
    files, missing = bring_files(runs.values(), pictures, there, here)
    take_curves(source, target, runs)
    take_scores(source, target, runs, images)
    stored = [{k: v for k, v in row.items() if k != "was"} for row in pictures]
    put(target, Picture, stored, unique=["run_id", "image_id", "kind"])
    after = counts(target)
    kinds = [run.kind for run in runs.values()]
    return Merged(
        plans=after[Plan] - before[Plan],
        new=kinds.count("new"),
        finished=kinds.count("finished"),
        same=kinds.count("same"),
        apart=kinds.count("apart"),
        scores=after[Score] - before[Score],
        files=files,
        missing=missing,
    )


def counts(target: Connection) -> dict[type[Base], int]:
    kinds: tuple[type[Base], ...] = (Plan, Score)
    return {
        kind: target.execute(select(func.count()).select_from(table_of(kind))).scalar_one()
        for kind in kinds
    }


def take_published(source: Connection, target: Connection, studies: dict[int, int]) -> None:
    """Figures of others; where both have one of the same place, this database's stays."""

    def place(row: Row) -> tuple[Any, ...]:
        names = ("study_id", "source", "variant", "quantity", "dataset", "epoch")
        return tuple(row[name] for name in names)

    there = set(map(place, rows(target, PublishedFigure)))
    coming = [row | {"study_id": studies[row["study_id"]]} for row in rows(source, PublishedFigure)]
    new = [without_id(row) for row in coming if place(row) not in there]
    if new:
        target.execute(insert(table_of(PublishedFigure)), new)


def take_passes(source: Connection, target: Connection, provenances: dict[int, int]) -> None:
    """Latency passes, each whole: the same setting, moment and machine is the same pass."""
    there = {repr(without_id(row)) for row in rows(target, LatencyPass)}
    numbers = {}
    for row in rows(source, LatencyPass):
        values = without_id(row) | {"provenance_id": provenances[row["provenance_id"]]}
        if repr(values) not in there:
            new = insert(table_of(LatencyPass)).values(values).returning(LatencyPass.id)
            numbers[row["id"]] = target.execute(new).scalar_one()
    for model in (LatencyNetwork, LatencySample):
        unique = [column.name for column in table_of(model).primary_key.columns]
        own = (row for row in rows(source, model) if row["pass_id"] in numbers)
        put(target, model, [r | {"pass_id": numbers[r["pass_id"]]} for r in own], unique=unique)


def take_curves(source: Connection, target: Connection, runs: dict[int, Taken]) -> None:
    """The curves of runs whose results come from there, with every point."""
    wanted = [row for row in rows(source, Curve) if runs[row["run_id"]].brings_results]
    moved = [{"run_id": runs[row["run_id"]].number, "name": row["name"]} for row in wanted]
    put(target, Curve, moved, unique=["run_id", "name"])
    ours = {(row["run_id"], row["name"]): row["id"] for row in rows(target, Curve)}
    numbers = {row["id"]: ours[runs[row["run_id"]].number, row["name"]] for row in wanted}
    batch: list[Row] = []
    for row in rows(source, Point):
        if row["curve_id"] in numbers:
            batch.append(row | {"curve_id": numbers[row["curve_id"]]})
        if len(batch) >= AT_ONCE:
            put(target, Point, batch, unique=["curve_id", "step"])
            batch.clear()
    put(target, Point, batch, unique=["curve_id", "step"])


def take_scores(
    source: Connection, target: Connection, runs: dict[int, Taken], images: dict[int, int]
) -> None:
    """Scores of runs that count as one here; those on sets that only they were scored on, too."""
    unique = ["run_id", "image_id", "protocol", "metric"]
    batch: list[Row] = []
    for row in rows(source, Score):
        run = runs[row["run_id"]]
        if run.number is not None:
            batch.append(row | {"run_id": run.number, "image_id": images[row["image_id"]]})
        if len(batch) >= AT_ONCE:
            put(target, Score, batch, unique=unique)
            batch.clear()
    put(target, Score, batch, unique=unique)


def moved_pictures(
    found: Iterator[Row], runs: dict[int, Taken], images: dict[int, int]
) -> Iterator[Row]:
    """Picture rows as they will be here; `was` is the file's path there."""
    for row in found:
        run = runs[row["run_id"]]
        if run.number is not None:
            check_path(row["path"])
            own = {"run_id": run.number, "image_id": images[row["image_id"]]}
            yield row | own | {"path": run.moved(row["path"]), "was": row["path"]}
