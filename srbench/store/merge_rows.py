"""Rows of another database, each checked to be what its columns hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from srbench.store.tables import Base
from srbench.store.upsert import put, table_of
from srbench.store.validate_rows import check_kinds

Row = dict[str, Any]
AT_ONCE = 10_000


def rows(connection: Connection, model: type[Base]) -> Iterator[Row]:
    """A table's rows by their keys, checked to be what its columns hold."""
    table = table_of(model)
    query = select(table).order_by(*table.primary_key.columns)
    names = [column.name for column in table.columns]
    for part in connection.execute(query.execution_options(yield_per=AT_ONCE)).partitions():
        found = [tuple(row) for row in part]
        check_kinds(found, table.columns)
        for row in found:
            yield dict(zip(names, row, strict=True))


def without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "id"}


def numbered(
    source: Connection, target: Connection, model: type[Base], unique: tuple[str, ...]
) -> dict[int, int]:
    """Take a table with numbered rows that `unique` columns tell apart: their number → ours."""
    theirs = list(rows(source, model))
    put(target, model, [without_id(row) for row in theirs], unique=unique)
    ours = {tuple(row[k] for k in unique): row["id"] for row in rows(target, model)}
    return {row["id"]: ours[tuple(row[k] for k in unique)] for row in theirs}
