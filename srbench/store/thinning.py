"""Points of curves, long curves thinned by the database.

Of a curve with more points than requested, the first, the last and evenly spaced ones between are
fetched, each by one index lookup. A curve with at most about one point an epoch (epoch means,
validation) is read whole, because readers read values off it. Where a study has too many points
in all, each curve gets an even share, its ends included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from srbench.store.tables import Curve, Point, Run

CURVES_AT_ONCE = 500
MOST_WHOLE = 300_000  # points of all unthinned curves together
LEAST_SHARE = 100  # points that a curve has at least
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
    epochs: float  # between the ends

    def is_long(self, most: int) -> bool:
        """Whether it is thinned in any case: too many points, and more than one an epoch."""
        return self.number > most and self.number > self.epochs + 2


Rows = list[tuple[Any, ...]]
"""(curve_id, step, epoch, value, not_finite), by step."""


def curve_points(
    connection: Connection, chosen: ColumnElement[bool], most: int
) -> list[tuple[Extent, Rows]]:
    """The curves with their points, by run and name.

    `chosen` is a condition on Run and Curve; a curve that is thinned has at most `most` points.
    """
    extents = list(extents_of(connection, chosen))
    thinned = {extent.curve for extent in extents if extent.is_long(most)}
    whole = [extent for extent in extents if extent.curve not in thinned]
    points = shared_out(connection, whole)
    return [
        (
            extent,
            thin_curve(connection, extent, most)
            if extent.curve in thinned
            else points[extent.curve],
        )
        for extent in extents
    ]


def extents_of(connection: Connection, chosen: ColumnElement[bool]) -> Iterator[Extent]:
    """The curves that have points, by run and name."""
    ends = (func.count(), func.min(Point.step), func.max(Point.step),
            func.max(Point.epoch) - func.min(Point.epoch))  # fmt: skip
    curves = (
        select(Curve.id, Curve.run_id, Curve.name, *ends)
        .join(Run, Run.id == Curve.run_id)
        .join(Point, Point.curve_id == Curve.id)
        .where(chosen)
        .group_by(Curve.id, Curve.run_id, Curve.name)
        .order_by(Curve.run_id, Curve.name)
    )
    for row in connection.execute(curves):
        yield Extent(*row)


def shared_out(connection: Connection, extents: Sequence[Extent]) -> dict[int, Rows]:
    """The curves whole, or an even share of each where there are too many points in all."""
    share = max(LEAST_SHARE, MOST_WHOLE // max(1, len(extents)))
    if sum(extent.number for extent in extents) <= MOST_WHOLE:
        share = max((extent.number for extent in extents), default=0)
    points = whole_curves(connection, [e.curve for e in extents if e.number <= share])
    alike: dict[tuple[int, int, int], list[Extent]] = {}
    for extent in extents:
        if extent.number > share:
            alike.setdefault((extent.first, extent.last, extent.number), []).append(extent)
    for group in alike.values():
        steps = even_steps(group[0], share)
        points |= whole_curves(connection, [e.curve for e in group], Point.step.in_(steps))
        for extent in group:  # its points are not evenly spaced
            if len(points[extent.curve]) != len(steps):
                points[extent.curve] = thin_curve(connection, extent, share)
    return points


def even_steps(extent: Extent, most: int) -> list[int]:
    """The steps of `most` of a curve's points, both ends among them, if they are evenly spaced."""
    apart = (extent.last - extent.first) / (extent.number - 1)
    places = {i * (extent.number - 1) // (most - 1) for i in range(most)}
    return sorted({extent.first + round(place * apart) for place in places})


def whole_curves(
    connection: Connection, curves: Sequence[int], *which: ColumnElement[bool]
) -> dict[int, Rows]:
    """Every point of the curves that meets a condition, by step."""
    points: dict[int, Rows] = {curve: [] for curve in curves}
    for start in range(0, len(curves), CURVES_AT_ONCE):
        some = Point.curve_id.in_(curves[start : start + CURVES_AT_ONCE])
        ordered = (
            select(Point.curve_id, *COLUMNS)
            .where(some, *which)
            .order_by(Point.curve_id, Point.step)
        )
        for row in plain_rows(connection, ordered):
            points[row[0]].append(row)
    return points


def plain_rows(connection: Connection, query: Select[*tuple[Any, ...]]) -> Rows:
    """The driver's own tuples: no column here needs converting, and there may be a million."""
    cursor = connection.execute(query).cursor
    assert cursor is not None
    return [*map(tuple, cursor.fetchall())]


def thin_curve(connection: Connection, extent: Extent, most: int) -> Rows:
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
    evenly = Point.step.in_(select(nearest).select_from(place))
    chosen = select(Point.curve_id, *COLUMNS).where(own, evenly)
    return plain_rows(connection, chosen.order_by(Point.step))
