"""Names beside points, each where it covers neither a point nor another name, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Literal

from srbench.analysis.quality_cost import Spot

Side = Literal["right", "left", "above", "below"]
Box = tuple[float, float, float, float]  # left, top, right, bottom
CHARACTER, LINE, GAP = 6.4, 13.0, 8.0  # pixels of a name set in 11 or 12


@dataclass(frozen=True)
class Frame:
    """What the figure shows: costs from `left` to `right`, quality from `low` to `high`."""

    left: float
    right: float
    low: float
    high: float

    def across(self, cost: float) -> float:
        """Place on the logarithmic axis of costs, 0 to 1."""
        return (log10(cost) - log10(self.left)) / (log10(self.right) - log10(self.left))

    def up(self, quality: float) -> float:
        """Place on the axis of quality, 0 to 1."""
        return (quality - self.low) / (self.high - self.low)


def frame_of(found: tuple[Spot, ...], levels: Mapping[str, float]) -> Frame:
    """The frame around the variants, and around those interpolations that are not far away."""
    ends = [x for s in found for x in (s.quality.low, s.quality.mean, s.quality.high) if x == x]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    near = [x for x in levels.values() if low - 0.6 * span < x < high + 0.6 * span]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.09 * ((high - low) or 1.0)
    costs = [s.cost.mean for s in found]
    wide = (max(costs) / min(costs)) ** 0.07 * 1.01
    return Frame(min(costs) / wide, max(costs) * wide, low - pad, high + pad)


def names_beside(
    spots: Sequence[Spot], frame: Frame, width: float, height: float, first: Sequence[str]
) -> dict[str, Side]:
    """Variant -> side of its point, for those whose name finds room in a frame of this size.

    `first` are placed before the others.
    """
    at = {
        s.variant: (width * frame.across(s.cost.mean), height * (1 - frame.up(s.quality.mean)))
        for s in spots
    }
    marks = {name: (x - 6, y - 6, x + 6, y + 6) for name, (x, y) in at.items()}
    taken: list[Box] = []
    out: dict[str, Side] = {}
    for name in sorted(at, key=lambda n: n not in first):
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
