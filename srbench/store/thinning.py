"""Points of curves, long curves thinned.

Of a curve with more points than requested, the first, the last and evenly spaced ones between are
taken. A curve with at most about one point an epoch (epoch means, validation) is read whole,
because readers read values off it. Where a study has too many points in all, each curve gets an
even share, its ends included.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from srbench.store.segments import SEGMENTS, Points
from srbench.store.tables import Curve, Run, Segment
from srbench.store.validate_rows import check_kinds

MOST_WHOLE = 300_000  # points of all unthinned curves together
LEAST_SHARE = 100  # points that a curve has at least
ROWS_AT_ONCE = 1000


def curve_points(
    connection: Connection, chosen: ColumnElement[bool], most: int
) -> Iterator[tuple[int, str, Points]]:
    """(run, name, points) of the curves that have points, by run and name.

    `chosen` is a condition on Run and Curve; a curve that is thinned has at most `most` points.
    """
    limits = limits_of(connection, chosen, most)
    query = (
        select(SEGMENTS, Curve.run_id, Curve.name)
        .join(Curve, Curve.id == Segment.curve_id)
        .join(Run, Run.id == Curve.run_id)
        .where(chosen)
        .order_by(Curve.run_id, Curve.name, Segment.first)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for curve, rows in groupby(_checked(connection, query), itemgetter(0)):
        own = [*rows]
        yield own[0].run_id, own[0].name, Points.of(own).thinned(limits[curve])


def _checked(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """The rows of a query, checked many at once."""
    for rows in connection.execute(query).partitions():
        check_kinds([tuple(row) for row in rows], query.selected_columns)
        yield from rows


def limits_of(connection: Connection, chosen: ColumnElement[bool], most: int) -> dict[int, int]:
    """The most points that are taken of each curve, by its number."""
    last = Segment.first + Segment.stride * (Segment.count - 1)
    epochs = func.max(last / Segment.per_epoch) - func.min(Segment.first / Segment.per_epoch)
    sizes = (
        select(Curve.id, func.sum(Segment.count), epochs)
        .join(Run, Run.id == Curve.run_id)
        .join(Segment, Segment.curve_id == Curve.id)
        .where(chosen)
        .group_by(Curve.id)
    )
    long, whole = dict[int, int](), dict[int, int]()
    for curve, number, passes in connection.execute(sizes):
        if number > most and number > passes + 2:  # more than one an epoch
            long[curve] = most
        else:
            whole[curve] = int(number)
    if sum(whole.values()) > MOST_WHOLE:
        whole = dict.fromkeys(whole, max(LEAST_SHARE, MOST_WHOLE // len(whole)))
    return long | whole
