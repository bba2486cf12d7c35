"""Rows of another database, with their links turned into the numbers of this one.

Rows are known by what they are about, never by number. `numbers` holds, for each table, the number
here of each number there; None for a row that is left out, and with it all that links to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from srbench.store.columns import check_kinds
from srbench.store.table_base import Row, natural_key, put, table_of
from srbench.store.tables import Plan, Variant

AT_ONCE = 1000
PLANS, VARIANTS = table_of(Plan), table_of(Variant)
KNOWN_BY: dict[str, Callable[[Row], Any]] = {
    "variants": lambda row: (
        row["plan_id"], row["fingerprint"], row["role"] == "candidate" or row["name"],
    ),
    "trials": itemgetter("plan_id", "variant_id", "parameters", "proposed_at"),
    "published": itemgetter("study_id", "source", "variant", "quantity", "dataset", "epoch"),
}  # fmt: skip
"""What tells rows apart where it is neither the unique constraint nor the key."""
Added = Callable[[Row], Row]
"""How a row that is new here is changed before it is inserted."""


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


@dataclass
class Transfer:
    """Two open transactions, and the numbers of what was taken from `source` into `target`."""

    source: Connection
    target: Connection
    numbers: dict[str, dict[int, int | None]] = field(
        default_factory=lambda: defaultdict[str, dict[int, int | None]](dict)
    )

    def coming(self, table: Table) -> Iterator[Row]:
        """The other database's rows with their links moved, without those that are left out.

        Raises:
            KeyError: a row links to one that does not exist.
        """
        links = [
            (column.name, link.column.table.name)
            for column in table.columns
            for link in column.foreign_keys
            if link.column.name == "id"
        ]
        for row in rows(self.source, table):
            moved = {n: self.numbers[of][row[n]] for n, of in links if row[n] is not None}
            if None not in moved.values():
                yield row | moved
            elif "id" in row:
                self.numbers[table.name][row["id"]] = None

    def insert(self, table: Table, row: Row) -> int:
        """Insert a row; its number here, or the first column of its key."""
        made = insert(table).values(without_id(row)).returning(*table.primary_key.columns)
        return int(self.target.execute(made).scalars().one())

    def take(self, table: Table, added: Added = lambda row: row, order: str = "") -> None:
        """Take the rows that are not here, in the order of a column where one is given."""
        here = {identity(table, row): row.get("id") for row in rows(self.target, table)}
        found = self.coming(table)
        for row in sorted(found, key=itemgetter(order)) if order else found:
            if (key := identity(table, row)) not in here:
                here[key] = self.insert(table, added(row))
            if "id" in row:
                self.numbers[table.name][row["id"]] = here[key]

    def pour(self, table: Table, added: Added = lambda row: row) -> None:
        """Take rows that only their key tells apart; those that are here stay as they are."""
        left = map(added, self.coming(table))
        while part := list(islice(left, AT_ONCE)):
            put(self.target, table, part)


def identity(table: Table, row: Row) -> str:
    """What a row is about: its natural key, or all columns but its number."""
    if table.name in KNOWN_BY:
        return repr(KNOWN_BY[table.name](row))
    known = natural_key(table)
    return repr(list(without_id(row).values()) if known == ["id"] else [row[n] for n in known])


def turned(transfer: Transfer) -> Added:
    """Plans of a study that is known here become older than all plans here, others newer.

    So a study keeps its latest plan.
    """
    ends = select(func.coalesce(func.min(Plan.turn), 1), func.coalesce(func.max(Plan.turn), 0))
    first, last = transfer.source.execute(ends).one()
    lowest, highest = transfer.target.execute(ends).one()
    below, above = lowest - last - 1, highest - first + 1
    studies = {row["study_id"] for row in rows(transfer.target, PLANS)}
    return lambda row: (
        row | {"turn": row["turn"] + (below if row["study_id"] in studies else above)}
    )


def counted_on(transfer: Transfer, table: Table, place: str) -> Added:
    """New rows of a plan are counted on, in column `place`, after those that it has here.

    A name that the plan has already, for another training, gets its place added.
    """
    plan_of = {row["id"]: row["plan_id"] for row in rows(transfer.target, VARIANTS)}
    last: dict[int, int] = defaultdict(lambda: -1)
    names = set()

    def note(row: Row) -> Row:
        plan = row["plan_id"] if "plan_id" in row else plan_of[row["variant_id"]]
        if "name" in row and (plan, row["name"]) in names:
            row = row | {"name": f"{row['name']} ({row[place]})"}
        names.add((plan, row.get("name")))
        last[plan] = max(last[plan], row[place])
        return row

    def added(row: Row) -> Row:
        plan = row["plan_id"] if "plan_id" in row else plan_of[row["variant_id"]]
        return note(row | {place: last[plan] + 1})

    for row in rows(transfer.target, table):
        note(row)
    return added
