"""Rows of another database, with their links turned into the numbers of this one.

Rows are known by what they are about, never by number. `numbers` holds, for each table, the number
here of each number there; None for a row that is left out, and with it all that links to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Literal

from sqlalchemy import Connection, Table, UniqueConstraint, insert, select

from srbench.store.upsert import Row, put
from srbench.store.validate_rows import check_kinds, check_path

AT_ONCE = 10_000
KNOWN_BY = {"published": ("study_id", "source", "variant", "quantity", "dataset", "epoch")}


def rows(connection: Connection, table: Table) -> Iterator[Row]:
    """A table's rows by key, each value checked to be what its column holds."""
    query = select(table).order_by(*table.primary_key.columns)
    names = [column.name for column in table.columns]
    for part in connection.execute(query.execution_options(yield_per=AT_ONCE)).partitions():
        found = [tuple(row) for row in part]
        check_kinds(found, table.columns)
        for row in found:
            yield dict(zip(names, row, strict=True))


def without_id(row: Row) -> Row:
    """The row without its number."""
    return {name: value for name, value in row.items() if name != "id"}


Kind = Literal["new", "finished", "same", "apart", "waiting"]


@dataclass(frozen=True)
class Taken:
    """A run there, what becomes of it, and the folders of its files, below the databases'."""

    kind: Kind
    there: str
    here: str
    weights: str | None  # their file there, and its SHA-256
    sha256: str | None

    @property
    def brings_results(self) -> bool:
        return self.kind in ("new", "finished", "apart")

    def moved(self, path: str) -> str:
        """Where a file of this run lies here; CorruptRowError where it leads out of the folder."""
        check_path(path)
        inside = path.startswith(f"{self.there}/")
        return self.here + path.removeprefix(self.there) if inside else path


@dataclass
class Transfer:
    """Two open transactions, and what was taken from `source` into `target` so far."""

    source: Connection
    target: Connection
    numbers: dict[str, dict[int, int | None]] = field(default_factory=dict)
    runs: dict[int, Taken] = field(default_factory=dict)  # by their number there
    pictures: dict[str, str] = field(default_factory=dict)  # path there -> path here

    def moved(self, table: Table, row: Row) -> Row | None:
        """A row of the other database with its links moved; None where it is left out.

        Raises:
            KeyError: it links to a row that does not exist.
        """
        links = [(name, of) for name, of in links_of(table) if row[name] is not None]
        moved = {name: self.numbers[of][row[name]] for name, of in links}
        return None if None in moved.values() else row | moved

    def coming(self, table: Table) -> Iterator[Row]:
        """The other database's rows with their links moved, without those that are left out."""
        for row in rows(self.source, table):
            if (moved := self.moved(table, row)) is not None:
                yield moved

    def insert(self, table: Table, row: Row) -> int:
        """Insert a row; its number here."""
        made = insert(table).values(without_id(row)).returning(table.c.id)
        return int(self.target.execute(made).scalar_one())

    def take(self, table: Table, without: Collection[int] = ()) -> None:
        """Take rows that are numbered, except those in `without`.

        Rows with the same unique columns are the same; where there are none, all columns count.
        """
        known_by = KNOWN_BY.get(table.name) or unique_columns(table)

        def identity(row: Row) -> str:
            return repr([row[name] for name in known_by])

        here = {identity(row): row["id"] for row in rows(self.target, table)}
        numbers = self.numbers.setdefault(table.name, {})
        for row in rows(self.source, table):
            moved = None if row["id"] in without else self.moved(table, row)
            if moved is None:
                numbers[row["id"]] = None
                continue
            if (key := identity(moved)) not in here:
                here[key] = self.insert(table, moved)
            numbers[row["id"]] = here[key]

    def pour(self, table: Table, coming: Iterable[Row] | None = None) -> None:
        """Take rows that only their key tells apart; those that are here stay as they are."""
        unique = [column.name for column in table.primary_key.columns]
        left = iter(self.coming(table) if coming is None else coming)
        while part := list(islice(left, AT_ONCE)):
            put(self.target, table, part, unique=unique)


def unique_columns(table: Table) -> list[str]:
    """The columns of the table's unique constraint, else all but its number."""
    found = (c.columns for c in table.constraints if isinstance(c, UniqueConstraint))
    return [column.name for column in next(found, table.columns) if column.name != "id"]


@cache
def links_of(table: Table) -> list[tuple[str, str]]:
    """The columns that hold numbers of rows of another table, and that table's name."""
    return [
        (column.name, link.column.table.name)
        for column in table.columns
        for link in column.foreign_keys
        if link.column.name == "id"
    ]
