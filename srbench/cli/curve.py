"""A run's curve in characters, for `srbench show`: braille dots, two across and four down a cell.

Drawn here, in a few lines: plotext changed its whole interface between its versions 5 and 6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from srbench.analysis.metric_names import FOLLOWED
from srbench.core.errors import InputError, unknown

FIRST = (FOLLOWED, "loss")  # which one is drawn where none is named
WIDTH, HEIGHT = 60, 10  # characters
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # bits of a cell, by column and row


def curve_drawn(points: Mapping[tuple[str, int], float], named: str | None) -> str:
    """The curve over steps; empty where the run has none and none was asked for.

    Raises:
        InputError: the run has no curve of that name.
    """
    names = sorted({name for name, _ in points})
    if named is not None and named not in names:
        raise InputError(unknown("curve", named, names), place="--curve")
    name = named or next((name for name in FIRST if name in names), None)
    if name is None:
        return ""
    own = sorted((step, value) for (one, step), value in points.items() if one == name)
    drawn = [(step, value) for step, value in own if math.isfinite(value)]
    if not drawn:
        return f"{name}: no finite value\n"
    low, high = min(v for _, v in drawn), max(v for _, v in drawn)
    rows = _cells(drawn, low, high)
    ends = {0: f"{high:.4g}", HEIGHT - 1: f"{low:.4g}"}
    lines = [f"{ends.get(i, ''):>10} {row}" for i, row in enumerate(rows)]
    title = f"{name} over steps {own[0][0]:,} to {own[-1][0]:,}, last {own[-1][1]:.6g}"
    return "\n".join([title, *lines]) + "\n"


def _cells(points: Sequence[tuple[int, float]], low: float, high: float) -> list[str]:
    """The lines of a picture whose top is `high`, its bottom `low`."""
    first, last = points[0][0], points[-1][0]
    cells = [[0] * WIDTH for _ in range(HEIGHT)]
    for step, value in points:
        x = round((step - first) / max(last - first, 1) * (2 * WIDTH - 1))
        y = round((high - value) / ((high - low) or 1.0) * (4 * HEIGHT - 1))
        cells[y // 4][x // 2] |= DOTS[x % 2][y % 4]
    return ["".join(chr(0x2800 + bits) for bits in row) for row in cells]
