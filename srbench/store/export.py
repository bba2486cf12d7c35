"""The tables as CSV files.

One file a table, rows in the order of their keys, NULL as an empty field: the same rows give
the same bytes. Of a curve, `points.csv` holds every point. Nothing is thinned or rounded; text that
begins like a formula gets an apostrophe.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select, type_coerce
from sqlalchemy.types import Text

from srbench.core import csv_text
from srbench.store.columns import PlainJson
from srbench.store.engine import reading
from srbench.store.store import Store
from srbench.store.tables import POINTS, Base

TABLES = tuple(
    sorted(
        [POINTS, *(t for t in Base.metadata.sorted_tables if t.name != "segments")],
        key=lambda table: table.name,
    )
)
ROWS_AT_ONCE = 10_000


def export(store: Store, folder: Path) -> list[Path]:
    """Write a CSV file for each table; the paths, sorted."""
    paths = [folder / f"{table.name}.csv" for table in TABLES]
    with reading(store.engine) as connection:
        for table, path in zip(TABLES, paths, strict=True):
            write(connection, table, path)
    return paths


def write(connection: Connection, table: Table, path: Path) -> None:
    query = select(*(as_stored(column) for column in table.columns))
    query = query.order_by(*table.primary_key.columns)
    headings = (column.name for column in table.columns)
    rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    csv_text.write(path, chain((headings,), rows))


def as_stored(column: Any) -> Any:
    """JSON columns are written as the stored text."""
    return type_coerce(column, Text) if isinstance(column.type, PlainJson) else column
