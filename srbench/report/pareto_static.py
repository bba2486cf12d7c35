"""Quality against cost for paper: the same points, front and doubt as the interactive figure."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from srbench.analysis.costs import COSTS, spaced
from srbench.analysis.quality_cost import Spot, front_line, spots
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import interpolation_scores, scores_by_seed
from srbench.report.colours import REST, colours
from srbench.report.figures_static import FAINT, canvas, drawable, plain_ticks, titled
from srbench.report.pareto_interactive import PALEST, sureness
from srbench.report.pareto_labels import frame_of, names_beside

PLACES: dict[str, dict[str, Any]] = {
    "right": {"xytext": (8, 0), "ha": "left", "va": "center"},
    "left": {"xytext": (-8, 0), "ha": "right", "va": "center"},
    "above": {"xytext": (0, 7), "ha": "center", "va": "bottom"},
    "below": {"xytext": (0, -7), "ha": "center", "va": "top"},
}


def quality_cost_figure(results: Results, cost: str) -> Figure:
    """Quality against one cost, log axis, the front as a stair, interpolations as lines."""
    figure, axes = canvas(7.2, 4.0)
    hues, found = colours(results), spots(results, cost)
    line = front_line(results, cost)
    if len(line) > 1:
        x, y = [s.cost.mean for s in line], [s.quality.mean for s in line]
        axes.step(x, y, where="post", color=FAINT, linewidth=0.9, zorder=1)
    first = [s.variant for s in found if s.on_front or hues[s.variant] != REST]
    levels = interpolation_scores(results)
    frame = frame_of(found, levels)
    levels = {name: y for name, y in levels.items() if 0 < frame.up(y) < 1}
    sides = names_beside(found, frame, 430, 270, first)
    _draw_spots(axes, found, hues, results.facts.baseline)
    for spot in found:
        if spot.variant in sides:
            axes.annotate(
                drawable(spot.variant), (spot.cost.mean, spot.quality.mean),
                textcoords="offset points", fontsize=8, annotation_clip=False,
                **PLACES[sides[spot.variant]],
            )  # fmt: skip
    for name, level, shift in spaced(levels, list(scores_by_seed(results).values())):
        axes.axhline(level, color=FAINT, linewidth=0.8, linestyle=":")
        place = (0.005 + 0.1 * shift, level)
        axes.annotate(name, place, xycoords=("axes fraction", "data"), va="bottom", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(frame.left, frame.right)
    axes.set_ylim(frame.low, frame.high)
    plain_ticks(axes.xaxis)
    axes.set_xlabel(COSTS.get(cost, cost))
    axes.set_ylabel(titled(results.facts.heading(), results))
    return figure


def _draw_spots(axes: Axes, found: tuple[Spot, ...], hues: dict[str, str], baseline: str) -> None:
    """Bars and marks, all of a kind in one go: a hundred artists take their time."""
    for marker, chosen in (
        ("o", [s for s in found if s.variant != baseline]),
        ("D", [s for s in found if s.variant == baseline]),
    ):
        if not chosen:
            continue
        x, y = [s.cost.mean for s in chosen], [s.quality.mean for s in chosen]
        edge = [hues[s.variant] for s in chosen]
        full = [to_rgba(hues[s.variant], PALEST + (1 - PALEST) * sureness(s)) for s in chosen]
        up = [s.quality.half if s.quality.count > 1 else 0.0 for s in chosen]
        across = [s.cost.half if s.cost.count > 1 else 0.0 for s in chosen]
        axes.vlines(x, np.subtract(y, up), np.add(y, up), colors=edge, linewidth=1.2, zorder=2)
        if any(across):
            left, right = np.subtract(x, across), np.add(x, across)
            axes.hlines(y, left, right, colors=edge, linewidth=1.2, zorder=2)
        axes.scatter(x, y, s=36, marker=marker, c=full, edgecolors=edge, linewidths=1.4, zorder=3)
