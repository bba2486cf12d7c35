"""A space to search, as plain values: known to the study, to Optuna's room and to the report.

A dimension is one place of the tree with the values that it may take. One that lies inside a part
(`attention.reduction`) has a value only where that part is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf, isfinite, prod
from typing import Any

Plain = str | int | float | bool | None
Point = dict[str, Plain]  # place -> value


@dataclass(frozen=True)
class Choices:
    """One of several values; a compound one by what is written."""

    values: tuple[Plain, ...]


@dataclass(frozen=True)
class Integers:
    """low, low + step, …, high; or, with log, all of them at even ratios."""

    low: int
    high: int
    step: int = 1
    log: bool = False


@dataclass(frozen=True)
class Numbers:
    """Every number from low to high, or those that are steps apart."""

    low: float
    high: float
    step: float | None = None
    log: bool = False


@dataclass(frozen=True)
class Needs:
    """Another dimension, and the choices there under which this one exists."""

    path: str
    among: tuple[Plain, ...]


@dataclass(frozen=True)
class Dimension:
    """One place of the tree, and what it may be."""

    path: str
    values: Choices | Integers | Numbers
    needs: Needs | None = None

    def exists(self, point: Mapping[str, Plain]) -> bool:
        """Whether the place is there, the ones above it being chosen so."""
        if self.needs is None or self.needs.path not in point:
            return self.needs is None
        return any(same(point[self.needs.path], value) for value in self.needs.among)

    def holds(self, value: object) -> bool:
        """Whether the place may have this value."""
        match self.values:
            case Choices(values):
                return any(same(value, one) for one in values)
            case Integers(low, high, step):
                return type(value) is int and low <= value <= high and not (value - low) % step
            case Numbers(low, high, step):
                if not isinstance(value, int | float) or not low <= value <= high:
                    return False
                places = (value - low) / step if step else 0.0
                return abs(places - round(places)) < 1e-9

    def grid(self) -> tuple[Plain, ...] | None:
        """Every value, in order; None where there are infinitely many."""
        match self.values:
            case Choices(values):
                return values
            case Integers(low, high, step):
                return tuple(range(low, high + 1, step))
            case Numbers(low, high, step):
                if step is None:
                    return None if low < high else (low,)
                count = int((high - low) / step + 1e-9) + 1
                return tuple(round(low + i * step, 12) for i in range(count))


_KINDS = {kind.__name__.lower(): kind for kind in (Choices, Integers, Numbers)}


@dataclass(frozen=True)
class Space:
    """Dimensions, those above before those inside."""

    dimensions: tuple[Dimension, ...]

    @property
    def size(self) -> float:
        """How many points it has; infinity where a range has no step."""
        if any(d.grid() is None for d in self.dimensions):
            return inf
        if all(d.needs is None for d in self.dimensions):
            return float(prod(len(d.grid() or ()) for d in self.dimensions))
        return float(sum(1 for _ in self.points()))

    def points(self) -> Iterator[Point]:
        """Every point, the last dimension turning fastest; only of a space of finite size."""
        found: Iterator[Point] = iter([{}])
        for dimension in self.dimensions:
            found = _extended(found, dimension)
        return found

    def as_plain(self) -> list[dict[str, Any]]:
        """The dimensions as plain data; `from_plain` makes a space of them again."""
        found = []
        for dimension in self.dimensions:
            kind, needs = type(dimension.values).__name__.lower(), dimension.needs
            plain = {"path": dimension.path, "kind": kind, **vars(dimension.values)}
            if isinstance(dimension.values, Choices):
                plain["values"] = list(dimension.values.values)
            if needs is not None:
                plain["needs"] = [needs.path, list(needs.among)]
            found.append(plain)
        return found

    @classmethod
    def from_plain(cls, plain: Iterable[Mapping[str, Any]]) -> Space:
        """The space that `as_plain` described."""
        found = []
        for one in plain:
            rest = {k: v for k, v in one.items() if k not in ("path", "kind", "needs")}
            if "values" in rest:
                rest["values"] = tuple(rest["values"])
            needs = Needs(one["needs"][0], tuple(one["needs"][1])) if "needs" in one else None
            found.append(Dimension(one["path"], _KINDS[one["kind"]](**rest), needs))
        return cls(tuple(found))

    def holds(self, point: Mapping[str, Plain]) -> bool:
        """Whether a point lies in it: every place that exists has a value it may have."""
        there = [d for d in self.dimensions if d.exists(point)]
        return set(point) == {d.path for d in there} and all(d.holds(point[d.path]) for d in there)


def _extended(points: Iterator[Point], dimension: Dimension) -> Iterator[Point]:
    for point in points:
        if dimension.exists(point):
            for value in dimension.grid() or ():
                yield {**point, dimension.path: value}
        else:
            yield point


def same(one: object, other: object) -> bool:
    """Equal, and of the same kind: 1 is not true, 0 is not false."""
    return type(one) is type(other) and one == other


def is_number(value: object) -> bool:
    """A finite number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
