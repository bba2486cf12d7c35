"""INSERT … ON CONFLICT, for which SQLAlchemy has one function per database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from srbench.store.tables import Base

Row = dict[str, Any]


def table_of(model: type[Base]) -> Table:
    table = inspect(model).local_table
    assert isinstance(table, Table)
    return table


def put(
    connection: Connection,
    model: type[Base] | Table,
    rows: Sequence[Row],
    *,
    unique: Sequence[str],
    replace: Sequence[str] = (),
) -> None:
    """Insert rows; where one with the same `unique` columns exists, set its `replace` columns."""
    if not rows:
        return
    table = model if isinstance(model, Table) else table_of(model)
    statement: Any
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgres_insert

        statement = postgres_insert(table)
    else:
        statement = sqlite_insert(table)
    if replace:
        values = {name: statement.excluded[name] for name in replace}
        statement = statement.on_conflict_do_update(index_elements=list(unique), set_=values)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(unique))
    connection.execute(statement, rows)
