"""The root of the tables, and the kinds of columns that they have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

from srbench.store.columns import PlainJson, Words


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


def count(doc: str, *more: Any, **options: Any) -> MappedColumn[Any]:
    return mapped_column(BigInteger, *more, doc=doc, **options)


def number(doc: str, **options: Any) -> MappedColumn[Any]:
    return mapped_column(Double, doc=doc, **options)


def plain(doc: str) -> MappedColumn[Any]:
    return mapped_column(PlainJson, doc=doc)


def key(doc: str) -> MappedColumn[Any]:
    return mapped_column(Integer, primary_key=True, doc=doc)


def link(target: str, doc: str, **options: Any) -> MappedColumn[Any]:
    return mapped_column(ForeignKey(target), doc=doc, **options)


def one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in allowed)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
