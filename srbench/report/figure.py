"""A figure as one value: what is drawn, for plotly and for matplotlib alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["mean", "broken", "published", "seed", "front", "interval"]
Values = Sequence[float] | NDArray[np.float64]
Side = Literal["right", "left", "above", "below"]
WIDTH = 7.2  # inches
Box = tuple[float, float, float, float]  # left, top, right, bottom
CHARACTER, LINE, GAP = 6.4, 13.0, 8.0  # pixels of a name set in 11 or 12


@dataclass(frozen=True)
class Line:
    """A line through points; the values of a gap are NaN."""

    x: Values
    y: Values
    colour: str
    kind: Kind
    variant: str = ""
    name: str = ""  # on hover
    label: str = ""  # at its end
    width: float = 1.0  # pixels
    pattern: str = "solid"
    stair: bool = False
    marked: bool = False  # with hollow marks on some of its points
    seed: int = 0
    opacity: float = 1.0


@dataclass(frozen=True)
class Band:
    """What lies between two lines."""

    x: Values
    low: Values
    high: Values
    colour: str
    variant: str


@dataclass(frozen=True)
class Point:
    """A mark, with bars to both sides and a name beside it."""

    x: float
    y: float
    colour: str
    variant: str
    symbol: str = "circle"  # up, down, left, right, square, diamond, ring, cross
    says: str = ""  # on hover
    size: float = 6.0
    opacity: float = 1.0  # of the inside
    half_x: float = 0.0
    half_y: float = 0.0
    named: Literal["", "first", "second"] = ""  # which names are placed before the others


@dataclass(frozen=True)
class Word:
    """A small word at a point, up and to the right of it."""

    x: float
    y: float
    text: str


Mark = Line | Band | Point | Word


@dataclass(frozen=True)
class Guide:
    """A line across the whole figure, at a value of one axis."""

    axis: Literal["x", "y"]
    at: float
    label: str = ""
    pattern: str = "solid"
    shift: int = 0  # tenths of the width by which the label steps aside


@dataclass(frozen=True)
class Axis:
    """Title, scale and limits; None leaves limits or ticks to the renderer."""

    title: str = ""
    log: bool = False
    limits: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] | None = None
    late: bool = False  # begins above the lowest twentieth of the values

    def place(self, value: float) -> float:
        """Share of the length at which a value lies; needs limits."""
        low, high = self.limits or (0.0, 1.0)
        if self.log:
            low, high, value = log10(low), log10(high), log10(value)
        return (value - low) / (high - low)


@dataclass(frozen=True)
class Figure:
    """What stands between two axes, and the words to the right of each row."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    guides: tuple[Guide, ...] = ()
    shaded: tuple[float, float] | None = None  # a part of the x axis
    beside: tuple[tuple[str, str], ...] = ()  # of rows at y = 0, 1 ...
    height: float = 4.0  # inches

    @property
    def points(self) -> list[Point]:
        """The marks that stand alone."""
        return [mark for mark in self.marks if isinstance(mark, Point)]


def names_beside(figure: Figure, width: float, height: float) -> dict[str, Side]:
    """Variant -> side of its point, for those whose name finds room in a frame of this size.

    A name covers neither a point nor another name.
    """
    named = [point for point in figure.points if point.named]
    at = {p.variant: (width * figure.x.place(p.x), height * (1 - figure.y.place(p.y)))
          for p in named}  # fmt: skip
    marks = {name: (x - 6, y - 6, x + 6, y + 6) for name, (x, y) in at.items()}
    taken: list[Box] = []
    out: dict[str, Side] = {}
    for point in sorted(named, key=lambda p: p.named):
        name = point.variant
        others = [mark for other, mark in marks.items() if other != name]
        for side, box in _boxes(*at[name], len(name) * CHARACTER).items():
            inside = box[0] > 0 and box[2] < width + 100 and box[1] > 0 and box[3] < height
            if inside and not any(_meet(box, other) for other in (*others, *taken)):
                out[name] = side
                taken.append(box)
                break
    return out


def _boxes(x: float, y: float, wide: float) -> dict[Side, Box]:
    half = LINE / 2
    return {
        "right": (x + GAP, y - half, x + GAP + wide, y + half),
        "left": (x - GAP - wide, y - half, x - GAP, y + half),
        "above": (x - wide / 2, y - GAP - LINE, x + wide / 2, y - GAP),
        "below": (x - wide / 2, y + GAP, x + wide / 2, y + GAP + LINE),
    }


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
