"""INSERT … ON CONFLICT, for which SQLAlchemy has one function per database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, UniqueConstraint, inspect
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from srbench.store.tables import Base

Row = dict[str, Any]


def table_of(model: type[Base]) -> Table:
    table = inspect(model).local_table
    assert isinstance(table, Table)
    return table


def natural_key(table: Table) -> list[str]:
    """The columns by which a row is known: unique ones, else the key."""
    unique = [c.columns for c in table.constraints if isinstance(c, UniqueConstraint)]
    return [column.name for column in (unique[0] if unique else table.primary_key.columns)]


def put(
    connection: Connection,
    model: type[Base] | Table,
    rows: Sequence[Row],
    replace: Sequence[str] = (),
) -> None:
    """Insert rows; of one that is known by its natural key, set the `replace` columns."""
    if not rows:
        return
    table = model if isinstance(model, Table) else table_of(model)
    connection.execute(_statement(table, connection.dialect.name, tuple(replace)), rows)


@cache
def _statement(table: Table, dialect: str, replace: tuple[str, ...]) -> Any:
    statement: Any
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgres_insert

        statement = postgres_insert(table)
    else:
        statement = sqlite_insert(table)
    known = natural_key(table)
    if replace:
        values = {name: statement.excluded[name] for name in replace}
        return statement.on_conflict_do_update(index_elements=known, set_=values)
    return statement.on_conflict_do_nothing(index_elements=known)
