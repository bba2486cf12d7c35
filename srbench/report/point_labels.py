"""Names beside points, each where it covers neither a point nor another name, or not at all."""

from __future__ import annotations

from srbench.report.figure import Figure, Side

Box = tuple[float, float, float, float]  # left, top, right, bottom
CHARACTER, LINE, GAP = 6.4, 13.0, 8.0  # pixels of a name set in 11 or 12


def names_beside(figure: Figure, width: float, height: float) -> dict[str, Side]:
    """Variant -> side of its point, for those whose name finds room in a frame of this size."""
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
