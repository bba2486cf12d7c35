"""Quality against cost as a plotly value: intervals, the front as a stair, doubt as paleness."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import plotly.graph_objects as go

from srbench.analysis.costs import COSTS, spaced
from srbench.analysis.quality_cost import Spot, front_line, spots
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import interpolation_scores, scores_by_seed
from srbench.report.colours import REST, colours
from srbench.report.figures_interactive import LAYOUT, Lines
from srbench.report.pareto_labels import frame_of, names_beside

SIDES = {"right": "middle right", "left": "middle left", "above": "top center",
         "below": "bottom center"}  # fmt: skip
PALEST = 0.12


def quality_cost(results: Results, cost: str = "parameters") -> go.Figure:
    """The primary metric against one cost on a log axis, with 95 % intervals over seeds."""
    return go.Figure(**quality_cost_plain(results, cost))


def quality_cost_plain(results: Results, cost: str) -> dict[str, Any]:
    """The same as plain data, which plotly has not gone through."""
    facts, hues, found = results.facts, colours(results), spots(results, cost)
    d = effect_decimals(results) + 1
    figure = Lines()
    _add_stair(figure, front_line(results, cost), d)
    first = [s.variant for s in found if s.on_front or hues[s.variant] != REST]
    levels = interpolation_scores(results)
    frame = frame_of(found, levels)
    levels = {name: y for name, y in levels.items() if 0 < frame.up(y) < 1}
    sides = names_beside(found, frame, 640, 370, first)
    for spot in found:
        _add_spot(figure, spot, hues[spot.variant], sides.get(spot.variant), d, facts)
    title = facts.heading() + (f", {facts.unit}" if facts.unit else "")
    lines = spaced(levels, list(scores_by_seed(results).values()))
    layout = {
        **LAYOUT,
        "xaxis": {
            "title": {"text": COSTS.get(cost, cost)},
            "type": "log",
            "range": [short(math.log10(frame.left)), short(math.log10(frame.right))],
        },
        "yaxis": {"title": {"text": title}, "range": [short(frame.low), short(frame.high)]},
        "height": 440,
        "margin": {**LAYOUT["margin"], "r": 120},
        "shapes": [_level(round(level, d)) for _, level, _ in lines],
        "annotations": [_level_name(name, round(level, d), shift) for name, level, shift in lines],
    }
    return {"data": figure.data, "layout": layout}


def _level(y: float) -> dict[str, Any]:
    line = {"width": 1, "dash": "dot", "color": "#808080"}
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line}


def _level_name(name: str, y: float, shift: int) -> dict[str, Any]:
    return {
        "text": escape(name), "xref": "x domain", "x": 0.1 * shift, "xanchor": "left", "y": y,
        "yanchor": "bottom", "showarrow": False,
    }  # fmt: skip


def _add_stair(figure: Lines, line: list[Spot], d: int) -> None:
    """The best quality that any cost up to here buys."""
    if len(line) > 1:
        figure.add_scatter(
            x=[short(s.cost.mean) for s in line],
            y=[round(s.quality.mean, d) for s in line],
            mode="lines",
            line={"shape": "hv", "width": 1, "color": "#808080"},
            hoverinfo="skip",
            meta={"kind": "front"},
        )


def _add_spot(figure: Lines, spot: Spot, hue: str, side: str | None, d: int, facts: Any) -> None:
    baseline = spot.variant == facts.baseline
    symbol = "diamond" if baseline else "circle"
    inside = PALEST + (1 - PALEST) * sureness(spot)
    bars: dict[str, Any] = {
        "error_y": {"type": "data", "array": [round(_half(spot.quality), d)], "thickness": 1.5,
                    "width": 0, "color": hue},
    }  # fmt: skip
    if spot.cost.count > 1:
        array = [short(spot.cost.half)]
        bars["error_x"] = {"type": "data", "array": array, "thickness": 1.5, "width": 0}
    unit = f" {facts.unit}" if facts.unit else ""
    figure.add_scatter(
        x=[short(spot.cost.mean)],
        y=[round(spot.quality.mean, d)],
        mode="markers+text" if side else "markers",
        text=[escape(spot.variant) if side else ""],
        textposition=SIDES[side or "right"],
        cliponaxis=False,
        marker={
            "size": 11,
            "symbol": symbol,
            "color": translucent(hue, inside),
            "line": {"width": 2, "color": hue},
        },
        name=escape(spot.variant),
        meta={"variant": spot.variant, "kind": "point"},
        hovertemplate=f"%{{fullData.name}}: %{{y}}{unit}, %{{x:,}}<br>{spot.said}<extra></extra>",
        **bars,
    )


def sureness(spot: Spot) -> float:
    """How full a mark is: the probability of the front, or yes and no where there is none."""
    return spot.probability if math.isfinite(spot.probability) else float(spot.on_front)


def short(value: float) -> float:
    """Six digits, which no eye tells from all of them."""
    return float(f"{value:.6g}")


def translucent(colour: str, share: float) -> str:
    """A colour of the palette that lets the page through."""
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{share:.2f})"


def _half(interval: Any) -> float:
    return float(interval.half) if interval.count > 1 else 0.0
