"""A figure for plotly, as plain values: no template, no typed arrays, no random ids.

Traces are plain scatters, which Plotly.js 2.35 (Optuna's dashboard) draws as well as today's. The
page sets the colours of text and axes, for only it knows whether it is dark; each trace names its
variant in `meta`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import isfinite, log10
from typing import Any

import numpy as np
import plotly.graph_objects as go

from srbench.report.figure import Axis, Band, Figure, Guide, Line, Point, Values, Word, names_beside

SIDES = {"right": "middle right", "left": "middle left", "above": "top center",
         "below": "bottom center"}  # fmt: skip
SYMBOLS = {
    "up": "triangle-up", "down": "triangle-down", "left": "triangle-left",
    "right": "triangle-right", "ring": "circle-open", "dot": "circle", "cross": "x-thin-open",
}  # fmt: skip
GREY = "#808080"


def plain(figure: Figure) -> dict[str, Any]:
    """Traces and layout as JSON, which plotly has not gone through; single seeds stand apart."""
    names = names_beside(figure, 640, 370)
    data = []
    for mark in figure.marks:
        if isinstance(mark, Band):
            data.append(_band(mark))
        elif isinstance(mark, Point):
            data.append(_point(mark, names.get(mark.variant)))
        elif isinstance(mark, Line) and mark.kind != "seed":
            data.append(_line(mark))
    lines = [mark for mark in figure.marks if isinstance(mark, Line) and mark.kind == "seed"]
    right = 120 if names else 96 if figure.beside else 24
    layout = {
        "template": {},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 64, "r": right, "t": 16, "b": 48},
        "showlegend": False,
        "hovermode": "closest",
        "height": round(110 * figure.height),
        "xaxis": _axis(figure.x),
        "yaxis": _axis(figure.y),
        "shapes": [*_shaded(figure), *map(_guide, figure.guides)],
        "annotations": [_label(g) for g in figure.guides if g.label] + _words(figure),
    }
    return {"data": data, "layout": layout, "seeds": _seeds(lines)}


def interactive(figure: Figure) -> go.Figure:
    """The figure without the page's script: single seeds are hidden traces."""
    made = plain(figure)
    seeds = [
        _trace(
            entry["variant"], "seed", f"{entry['variant']}, seed {seed}", x=entry["x"], y=values,
            mode="lines", visible=False, line={"color": entry["colour"], "width": 1},
            hovertemplate=HOVER,
        )
        for entry in made["seeds"]
        for seed, values in entry["seeds"].items()
    ]  # fmt: skip
    return go.Figure(made["data"] + seeds, made["layout"])


HOVER = "%{fullData.name}: %{y:.5~g} at %{x}<extra></extra>"


def _trace(variant: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    """A trace that the page's script finds by its variant and kind."""
    meta = {"variant": variant, "kind": kind}
    return {"type": "scatter", "showlegend": False, "name": escape(name), "meta": meta, **more}


def _line(line: Line) -> dict[str, Any]:
    silent = line.kind in ("front", "interval")
    trace = _trace(
        line.variant, line.kind, line.name or line.variant, x=_numbers(line.x), y=_numbers(line.y),
        mode="lines+markers" if line.marked else "lines", opacity=line.opacity,
        line={"color": line.colour, "width": line.width, "dash": line.pattern},
    )  # fmt: skip
    if line.stair:
        trace["line"]["shape"] = "hv"
    if line.marked:
        trace["marker"] = {"symbol": "circle-open", "size": 4, "maxdisplayed": 9}
    return trace | ({"hoverinfo": "skip"} if silent else {"hovertemplate": HOVER})


def _band(band: Band) -> dict[str, Any]:
    x, low, high = map(_numbers, (band.x, band.low, band.high))
    return _trace(
        band.variant, "band", band.variant, x=[*x, *x[::-1]], y=[*high, *low[::-1]], mode="lines",
        line={"width": 0, "color": band.colour}, fill="toself",
        fillcolor=_translucent(band.colour, 0.16), hoverinfo="skip",
    )  # fmt: skip


def _point(point: Point, side: str | None) -> dict[str, Any]:
    marker = {
        "size": round(1.8 * point.size),
        "symbol": SYMBOLS.get(point.symbol, point.symbol),
        "color": _translucent(point.colour, point.opacity),
        "line": {"width": 2, "color": point.colour},
    }
    trace = _trace(
        point.variant, "point", point.variant, x=_numbers([point.x]), y=_numbers([point.y]),
        mode="markers+text" if side else "markers", cliponaxis=False, marker=marker,
        hovertemplate=escape(point.says).replace("\n", "<br>") + "<extra></extra>",
    )  # fmt: skip
    if side:
        trace |= {"text": [escape(point.variant)], "textposition": SIDES[side]}
    for axis, half in (("x", point.half_x), ("y", point.half_y)):
        if half > 0:
            bars = {"type": "data", "array": _numbers([half]), "thickness": 1.5, "width": 0}
            trace[f"error_{axis}"] = bars | {"color": point.colour}
    return trace


def _seeds(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """The lines of single seeds, those of one variant and axis together."""
    found: dict[tuple[str, tuple[float, ...]], dict[str, Any]] = {}
    for line in lines:
        entry = {"variant": line.variant, "name": escape(line.variant), "colour": line.colour}
        mine = found.setdefault((line.variant, tuple(line.x)), entry | {"seeds": {}})
        mine.setdefault("x", _numbers(line.x))
        mine["seeds"][str(line.seed)] = _numbers(line.y, 5)
    return list(found.values())


def _axis(axis: Axis) -> dict[str, Any]:
    out: dict[str, Any] = {
        "title": {"text": axis.title},
        "type": "log" if axis.log else "linear",
        "automargin": True,
    }
    if axis.limits:
        out["range"] = _numbers([log10(x) if axis.log else x for x in axis.limits])
    if axis.ticks is not None:
        out["tickvals"] = [at for at, _ in axis.ticks]
        out["ticktext"] = [escape(label) for _, label in axis.ticks]
    return out


def _guide(guide: Guide) -> dict[str, Any]:
    across = "y" if guide.axis == "x" else "x"
    return {
        "type": "line", f"{across}ref": f"{across} domain", f"{across}0": 0, f"{across}1": 1,
        f"{guide.axis}0": guide.at, f"{guide.axis}1": guide.at,
        "line": {"width": 1, "dash": guide.pattern, "color": GREY},
    }  # fmt: skip


def _label(guide: Guide) -> dict[str, Any]:
    across = "y" if guide.axis == "x" else "x"
    place = {"y": 1} if across == "y" else {"x": 0.1 * guide.shift, "xanchor": "left"}
    return {
        "text": escape(guide.label), f"{across}ref": f"{across} domain", guide.axis: guide.at,
        "yanchor": "bottom", "showarrow": False, **place,
    }  # fmt: skip


def _shaded(figure: Figure) -> list[dict[str, Any]]:
    if figure.shaded is None:
        return []
    low, high = figure.shaded
    return [{"type": "rect", "yref": "y domain", "y0": 0, "y1": 1, "x0": low, "x1": high,
             "fillcolor": "rgba(128,128,128,0.15)", "line": {"width": 0}}]  # fmt: skip


def _words(figure: Figure) -> list[dict[str, Any]]:
    words = [mark for mark in figure.marks if isinstance(mark, Word)]
    return [
        {"text": escape(word.text), "x": word.x, "y": word.y, "showarrow": False,
         "xanchor": "left", "yanchor": "bottom"}
        for word in words
    ] + [
        {"text": escape(word), "x": 1.01, "xref": "paper", "xanchor": "left", "y": row,
         "showarrow": False}
        for row, (word, _) in enumerate(figure.beside)
    ]  # fmt: skip


def _numbers(values: Values, digits: int = 6) -> list[float | None]:
    plain = np.asarray(values, dtype=float).tolist()  # numpy's own floats take twice the time
    return [float(f"{v:.{digits}g}") if isfinite(v) else None for v in plain]


def _translucent(colour: str, share: float) -> str:
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{share:.2f})"
