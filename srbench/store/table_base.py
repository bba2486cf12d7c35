"""The root of the tables, the kinds of columns that they have, rows as values, and how to put them.

A class of `Value` is a table and at once the value that callers make: its columns are declared
once. What the store adds to a row, such as its number, is no parameter of the value. Such values
are not frozen, which SQLAlchemy does not offer; no caller changes them. `put` is INSERT … ON
CONFLICT, for which SQLAlchemy has one function per database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Self, dataclass_transform

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Connection,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    RowMapping,
    Table,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass, MappedColumn, mapped_column

from srbench.store.columns import NOT_FINITE, CommandLine, PlainJson, Words

NUMBER_DOC = "the number; NULL exactly when not_finite is set"
NOT_FINITE_DOC = "nan, inf or -inf where the number is not finite, else NULL"
Row = dict[str, Any]


class Base(DeclarativeBase):
    """The root of the tables; constraints get names, so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def words(doc: str, *more: Any, **options: Any) -> MappedColumn[Any]:
    return mapped_column(Words, *more, doc=doc, **options)


def command_line(doc: str) -> MappedColumn[Any]:
    return mapped_column(CommandLine, doc=doc)


def count(doc: str, *more: Any, **options: Any) -> MappedColumn[Any]:
    return mapped_column(BigInteger, *more, doc=doc, **options)


def number(doc: str, **options: Any) -> MappedColumn[Any]:
    return mapped_column(Double, doc=doc, **options)


def plain(doc: str, **options: Any) -> MappedColumn[Any]:
    return mapped_column(PlainJson, doc=doc, **options)


def flag(doc: str) -> MappedColumn[Any]:
    return mapped_column(doc=doc)


def key(doc: str, **options: Any) -> MappedColumn[Any]:
    return mapped_column(Integer, primary_key=True, doc=doc, **options)


def link(target: str, doc: str, **options: Any) -> MappedColumn[Any]:
    return mapped_column(ForeignKey(target), doc=doc, **options)


def one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in allowed)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def one_number() -> tuple[CheckConstraint, CheckConstraint]:
    """A number is in `value`, or its name in `not_finite`."""
    value = "(value IS NULL) = (not_finite IS NOT NULL)"
    return one_of("not_finite", NOT_FINITE), CheckConstraint(value, name="one_number")


@dataclass_transform(field_specifiers=(words, command_line, count, number, plain, flag, key, link))
class Value(MappedAsDataclass, Base):
    """A table whose rows callers make; parameters are the columns without `init=False`."""

    __abstract__ = True

    def given(self, **added: Any) -> dict[str, Any]:
        """The columns that the caller gave, with those that the store adds; NULL for NaN."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.init}
        return {name: None if value != value else value for name, value in own.items()} | added

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """The value in a row of a query, which may have further columns."""
        return cls(**{field.name: row[field.name] for field in fields(cls) if field.init})


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
