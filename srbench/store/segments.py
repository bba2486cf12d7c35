"""Curves as rows: a segment is a stretch of evenly spaced points, its values whole numbers.

A double is n * 2^e with a whole n. The points of a segment share 2^e, its `scale`: a JSON list of
the n, times the scale, gives every value to the bit in any program that multiplies doubles, as the
view `points` does. So a float32 takes about 9 characters, where the decimal of its double takes 19.
Segments are cut greedily from the first point on, so that equal curves have equal segments.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.orm import aliased

from srbench.store.columns import NOT_FINITE, CorruptRowError, check_kinds
from srbench.store.table_base import table_of
from srbench.store.tables import Curve, Run, Segment

LONGEST = 500  # points of a segment
BITS = 62  # of a whole number, so that it is an integer of SQLite
SEGMENTS = table_of(Segment)
MOST_WHOLE = 300_000  # points of all unthinned curves of a study together
LEAST_SHARE = 100  # points that a curve has at least where there are more
ROWS_AT_ONCE = 1000
ByStep = dict[int, tuple[float, float]]
"""step -> (epoch, value)"""


@dataclass(frozen=True)
class Points:
    """Points of a curve, by step."""

    steps: NDArray[np.int64]
    epochs: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, segments: Sequence[Any]) -> Points:
        """The points of a curve's rows, which have the columns of a segment, in order.

        Raises:
            CorruptRowError: a list holds anything but whole numbers and nan, inf and -inf.
        """
        steps = [row.first + row.stride * np.arange(row.count) for row in segments]
        epochs = [own / row.per_epoch for own, row in zip(steps, segments, strict=True)]
        return cls(*map(np.concatenate, (steps, epochs, [*map(values_of, segments)])))

    def thinned(self, most: int) -> Points:
        """The points at or after `most` evenly spaced steps, both ends among them."""
        if len(self.steps) <= most:
            return self
        first, last = self.steps[0], self.steps[-1]
        wanted = first + (last - first) * np.arange(most) // (most - 1)
        at = np.unique(np.searchsorted(self.steps, wanted))
        return Points(self.steps[at], self.epochs[at], self.values[at])


def values_of(segment: Any) -> NDArray[np.float64]:
    """The values of one row."""
    numbers = segment.numbers
    words = set(map(type, numbers)) - {int} and {n for n in numbers if type(n) is not int}
    if not words <= set(NOT_FINITE) or len(numbers) != segment.count:
        raise CorruptRowError(f"numbers are {numbers!r}"[:80])
    return np.array([*map(float, numbers)] if words else numbers, float) * float(segment.scale)


@contextmanager
def changing(
    connection: Connection, curves: Collection[int], step: int
) -> Iterator[dict[int, ByStep]]:
    """The points of each curve from `step` on, to be changed; stored as they are at the end.

    Points before `step` may be among them: those of the same segment.
    """
    found: dict[int, ByStep] = {curve: {} for curve in curves}
    reach = {"curves": list(curves), "step": step}
    for row in connection.execute(READ, reach):
        points = Points.of([row])
        pairs = zip(points.epochs.tolist(), points.values.tolist(), strict=True)
        found[row.curve_id] |= zip(points.steps.tolist(), pairs, strict=True)
    yield found
    connection.execute(DELETE, reach)
    rows = [row for curve, own in found.items() for row in packed(curve, own)]
    if rows:
        connection.execute(INSERT, rows)


def _reach() -> ColumnElement[bool]:
    """Whether a segment is the last that begins at `step` or before it, or a later one."""
    other, step = aliased(Segment), bindparam("step", type_=BigInteger)
    own = and_(other.curve_id == Segment.curve_id, other.first <= step)
    start = select(func.max(other.first)).where(own).scalar_subquery()
    of = Segment.curve_id.in_(bindparam("curves", expanding=True))
    return and_(of, Segment.first >= func.coalesce(start, step))


READ, DELETE = select(SEGMENTS).where(_reach()), delete(SEGMENTS).where(_reach())
INSERT = insert(SEGMENTS)
"""Made once: a message takes a third of the time."""


def packed(curve: int, points: ByStep) -> Iterator[dict[str, Any]]:
    """The segments of some points, as rows.

    Raises:
        ValueError: an epoch is not its step divided by a whole number of steps.
    """
    if not points:
        return
    steps = np.array(sorted(points), dtype=np.int64)
    epochs, values = np.array([points[step] for step in steps.tolist()]).T + 0.0  # no minus zero
    per_epoch = np.divide(steps, epochs, out=np.ones(len(steps)), where=epochs > 0)
    per_epoch = np.maximum(np.rint(per_epoch), 1)
    if np.any(steps / per_epoch != epochs):
        raise ValueError(f"epochs {epochs} are not steps {steps} by a whole number of steps")
    low, high = bits(values)
    start = 0
    while start < len(steps):
        part = slice(start, start + LONGEST)
        count = alike(steps[part], per_epoch[part], low[part], high[part])
        part = slice(start, start + count)
        scale = math.ldexp(1.0, int(low[part].min())) if low[part].min() < NEVER else 1.0
        whole = (values[part] / scale).tolist()
        yield {
            "curve_id": curve,
            "first": int(steps[start]),
            "stride": int(steps[start + 1] - steps[start]) if count > 1 else 0,
            "count": count,
            "per_epoch": float(per_epoch[start]),
            "scale": scale,
            "numbers": [int(n) if math.isfinite(n) else str(n) for n in whole],
        }
        start += count


NEVER = 10_000  # above any exponent


def bits(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Exponents of each value's lowest bit, and of the bit above its highest."""
    counts = np.isfinite(values) & (values != 0)
    share, high = np.frexp(np.where(counts, values, 1.0))
    whole = (share * 2.0**53).astype(np.int64)
    low = high - 53 + np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return np.where(counts, low, NEVER), np.where(counts, high, -NEVER)


def alike(
    steps: NDArray[np.int64],
    per_epoch: NDArray[np.float64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> int:
    """How many of the points, from the first on, make one segment."""
    evenly = steps[0] + (steps[1:2].sum() - steps[0]) * np.arange(len(steps))
    bits = np.maximum.accumulate(high) - np.minimum.accumulate(low)
    other = (steps != evenly) | (per_epoch != per_epoch[0]) | (bits > BITS)
    return int(other.argmax()) if other.any() else len(steps)


def curve_points(
    connection: Connection, chosen: ColumnElement[bool], most: int
) -> Iterator[tuple[int, str, Points]]:
    """(run, name, points) of the curves that have points, by run and name.

    `chosen` is a condition on Run and Curve. Of a curve with more than `most` points the first, the
    last and evenly spaced ones between are taken.
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
    """The most points that are taken of each curve, by its number.

    A curve with at most about one point an epoch (epoch means, validation) is read whole, for
    readers read values off it; where a study has too many in all, each gets an even share.
    """
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
