"""The tables as CSV files.

One file a table, rows in the order of their keys, NULL as an empty field: the same rows give
the same bytes. Of a curve, `points.csv` holds every point. Nothing is thinned or rounded; text that
begins like a formula gets an apostrophe.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    select,
    type_coerce,
)
from sqlalchemy.types import Text

from srbench.core import csv_text
from srbench.store.columns import PlainJson
from srbench.store.engine import reading
from srbench.store.plans import latest_plan
from srbench.store.store import Store
from srbench.store.tables import (
    POINTS,
    Base,
    Cell,
    Curve,
    Image,
    Picture,
    Plan,
    PlanDataset,
    Provenance,
    Run,
    Score,
    Study,
    Training,
    Variant,
)

TABLES = tuple(
    sorted(
        [POINTS, *(t for t in Base.metadata.sorted_tables if t.name != "segments")],
        key=lambda table: table.name,
    )
)
ROWS_AT_ONCE = 10_000


def export(store: Store, folder: Path, study: str | None = None) -> list[Path]:
    """Write a CSV file for each table, of everything or of one study; the paths, sorted.

    Raises:
        DatabaseError: the study is unknown.
    """
    chosen = {} if study is None else of_study(study)
    paths = []
    with reading(store.engine) as connection:
        if study is not None:
            latest_plan(connection, study)
        for table in TABLES:
            path = folder / f"{table.name}.csv"
            write(connection, table, chosen.get(table.name), path)
            paths.append(path)
    return paths


def write(
    connection: Connection, table: Table, where: ColumnElement[bool] | None, path: Path
) -> None:
    query = select(*(as_stored(column) for column in table.columns))
    query = query.order_by(*table.primary_key.columns)
    if where is not None:
        query = query.where(where)
    headings = (column.name for column in table.columns)
    rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    csv_text.write(path, chain((headings,), rows))


def as_stored(column: Any) -> Any:
    """JSON columns are written as the stored text."""
    return type_coerce(column, Text) if isinstance(column.type, PlainJson) else column


def of_study(study: str) -> dict[str, ColumnElement[bool]]:
    """For each table, which of its rows belong to one study: all its plans, all attempts."""
    own = Study.name == study
    plans = select(Plan.id).join(Study).where(own)
    variants = select(Variant.id).where(Variant.plan_id.in_(plans))
    fingerprints = select(Variant.fingerprint).where(Variant.plan_id.in_(plans))
    cell = (
        select(Cell.seed)
        .join(Variant, Variant.id == Cell.variant_id)
        .where(Variant.plan_id.in_(plans), Variant.fingerprint == Run.fingerprint)
    )
    ran = and_(Run.fingerprint.in_(fingerprints), Run.seed.in_(cell))
    runs = select(Run.id).where(ran)
    manifests = select(PlanDataset.manifest).where(PlanDataset.plan_id.in_(plans))
    images = select(Image.id).where(Image.manifest.in_(manifests))
    return {
        "studies": own,
        "plans": Plan.id.in_(plans),
        "variants": Variant.id.in_(variants),
        "cells": Cell.variant_id.in_(variants),
        "trainings": Training.fingerprint.in_(fingerprints),
        "runs": ran,
        "provenances": Provenance.id.in_(select(Run.provenance_id).where(ran)),
        "curves": Curve.run_id.in_(runs),
        "points": POINTS.c.curve_id.in_(select(Curve.id).where(Curve.run_id.in_(runs))),
        "scores": and_(Score.run_id.in_(runs), Score.image_id.in_(images)),
        "pictures": and_(Picture.run_id.in_(runs), Picture.image_id.in_(images)),
        "plan_datasets": PlanDataset.plan_id.in_(plans),
        "datasets": Base.metadata.tables["datasets"].c.manifest.in_(manifests),
        "images": Image.manifest.in_(manifests),
    }
