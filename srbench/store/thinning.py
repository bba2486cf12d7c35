"""Points of curves, long curves thinned by the database.

Of a curve with more points than asked for, the first, the last and evenly spaced ones between
are fetched, each by one look into the index. A curve with about a point an epoch or fewer
(epoch means, validation) is never thinned, however long: those are what people read values off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, select

from srbench.store.tables import Curve, Point, Run

CURVES_AT_ONCE = 500
COLUMNS = (Point.step, Point.epoch, Point.value, Point.not_finite)


@dataclass(frozen=True)
class Extent:
    """A curve with its number of points and the steps of its ends."""

    curve: int
    run: int
    name: str
    number: int
    first: int
    last: int


def curve_points(
    connection: Connection, runs: ColumnElement[bool], most: int
) -> list[tuple[Any, ...]]:
    """(run_id, name, step, epoch, value, not_finite) by run, name and step.

    `runs` is a condition on Run; a curve that is thinned has at most `most` points.
    """
    extents = list(extents_of(connection, runs))
    thinned = {extent.curve for extent in extents if is_long(connection, extent, most)}
    whole = [extent.curve for extent in extents if extent.curve not in thinned]
    points = whole_curves(connection, whole)
    return [
        (extent.run, extent.name, *point)
        for extent in extents
        for point in (
            thin_curve(connection, extent, most)
            if extent.curve in thinned
            else points[extent.curve]
        )
    ]


def extents_of(connection: Connection, runs: ColumnElement[bool]) -> Iterator[Extent]:
    """The curves of the runs that have points, by run and name."""
    own = Point.curve_id == Curve.id
    ends = [select(end).where(own).scalar_subquery() for end in
            (func.count(), func.min(Point.step), func.max(Point.step))]  # fmt: skip
    curves = select(Curve.id, Curve.run_id, Curve.name, *ends).join(Run, Run.id == Curve.run_id)
    for row in connection.execute(curves.where(runs).order_by(Curve.run_id, Curve.name)):
        if row[3] > 0:
            yield Extent(*row)


def is_long(connection: Connection, extent: Extent, most: int) -> bool:
    """Whether a curve is to be thinned: too many points, and more than one an epoch."""
    if extent.number <= most:
        return False
    ends = select(func.max(Point.epoch) - func.min(Point.epoch)).where(
        Point.curve_id == extent.curve, Point.step.in_((extent.first, extent.last))
    )
    return extent.number > float(connection.execute(ends).scalar_one()) + 2


def whole_curves(connection: Connection, curves: Sequence[int]) -> dict[int, list[tuple[Any, ...]]]:
    """Every point of the curves, by step."""
    points: dict[int, list[tuple[Any, ...]]] = {curve: [] for curve in curves}
    for start in range(0, len(curves), CURVES_AT_ONCE):
        some = Point.curve_id.in_(curves[start : start + CURVES_AT_ONCE])
        ordered = select(Point.curve_id, *COLUMNS).where(some).order_by(Point.curve_id, Point.step)
        for curve, *point in connection.execute(ordered):
            points[curve].append(tuple(point))
    return points


def thin_curve(connection: Connection, extent: Extent, most: int) -> list[tuple[Any, ...]]:
    """The points at or after `most` evenly spaced steps, both ends among them."""
    place = select(literal(0).label("n")).cte("place", recursive=True)
    place = place.union_all(select(place.c.n + 1).where(place.c.n < most - 1))
    own = Point.curve_id == extent.curve
    target = extent.first + (extent.last - extent.first) * place.c.n // (most - 1)
    probe = Point.__table__.alias("probe")
    nearest = (
        select(func.min(probe.c.step))
        .where(probe.c.curve_id == extent.curve, probe.c.step >= target)
        .scalar_subquery()
    )
    chosen = select(*COLUMNS).where(own, Point.step.in_(select(nearest).select_from(place)))
    return [tuple(point) for point in connection.execute(chosen.order_by(Point.step))]
