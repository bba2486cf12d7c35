"""Interactive figures as plain plotly values: no template, no typed arrays, no random ids.

Traces are plain scatters, which Plotly.js 2.35 (Optuna's dashboard) draws as well as today's.
Colours of text and axes are left to whoever shows the figure, since only the page knows whether
it is dark; each trace names its variant in `meta`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import Any

import plotly.graph_objects as go

from srbench.analysis.bands import band
from srbench.analysis.curves import Curve, curve_names, curve_title, read_curve, thinned
from srbench.analysis.published_comparison import published_curves
from srbench.analysis.ranking import by_variant, effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import trained
from srbench.report.colours import REST, colours, dashes
from srbench.report.forest import forest_of

MOST_POINTS, FEWEST_POINTS = 300, 40  # of one line
ALL_POINTS = 60_000  # of one figure, single seeds included


SYMBOLS = {
    "up": "triangle-up", "down": "triangle-down", "square": "square", "ring": "circle-open",
    "dot": "circle",
}  # fmt: skip


def forest(results: Results) -> go.Figure:
    """Effects with both intervals and the verdict in words and shape, best on top."""
    plot, hues, unit = forest_of(results), colours(results), results.facts.unit
    figure = _figure()
    if plot.band:
        figure.add_vrect(-plot.band, plot.band, fillcolor="rgba(128,128,128,0.15)", line_width=0)
    figure.add_vline(0, line={"width": 1, "color": "#808080"})
    for row in plot.rows:
        effect = row.effect
        common = {"y": [escape(row.variant)], "showlegend": False, "meta": {"variant": row.variant}}
        if effect is None:
            marker = {"symbol": "diamond", "size": 8, "color": hues[row.variant]}
            figure.add_scatter(x=[0.0], mode="markers", marker=marker, **common)
            continue
        if not effect.pairs:
            continue
        d = effect_decimals(results)
        wide, thick = ((effect.simultaneous_low, effect.simultaneous_high, 1.5),
                       (effect.low, effect.high, 5))  # fmt: skip
        for low, high, width in (wide, thick):
            if math.isfinite(low):
                line = {"width": width, "color": hues[row.variant]}
                x = [round(low, d + 1), round(high, d + 1)]
                figure.add_scatter(
                    x=x,
                    mode="lines",
                    line=line,
                    hoverinfo="skip",
                    **(common | {"y": [escape(row.variant)] * 2}),
                )
        figure.add_scatter(
            x=[round(effect.mean, d + 1)],
            mode="markers",
            marker={
                "size": 10,
                "color": hues[row.variant],
                "symbol": SYMBOLS[row.shape],
                "line": {"width": 2, "color": hues[row.variant]},
            },
            hovertemplate=(
                f"%{{y}}: {row.verdict}, {row.label} {unit} ({row.interval})<extra></extra>"
            ),
            **common,
        )
        figure.add_annotation(
            x=1.01, xref="paper", xanchor="left", y=escape(row.variant), showarrow=False,
            text=row.verdict,
        )  # fmt: skip
    names = [escape(row.variant) for row in plot.rows]
    name = results.facts.heading()
    figure.update_layout(
        xaxis={"title": {"text": f"effect on {name}" + (f", {unit}" if unit else "")}},
        yaxis={"categoryorder": "array", "categoryarray": names[::-1], "automargin": True},
        height=90 + 28 * len(names),
        margin={"r": 96},
    )
    return figure


def curves(results: Results, name: str | None = None) -> go.Figure:
    """One stored curve: mean and band over seeds, single seeds hidden, failed runs dashed."""
    known = curve_names(results)
    name = name or (known[0] if known else "loss")
    plain = curves_plain(results, name)
    return go.Figure(plain["data"] + seed_traces(plain["seeds"]), plain["layout"])


def curves_plain(results: Results, name: str) -> dict[str, Any]:
    """The same as plain data, the single seeds beside it: plotly checks each line for a while."""
    hues, patterns = colours(results), dashes(results)
    rows, figure, curve = by_variant(results), Lines(), read_curve(results, name)
    seeds: list[dict[str, Any]] = []
    most = max(FEWEST_POINTS, min(MOST_POINTS, ALL_POINTS // max(len(curve.lines), 1)))
    for variant in trained(results):
        done = [c.seed for c in rows[variant] if c.state == "done"]
        broken = [c.seed for c in rows[variant] if c.state != "done" and c.run_id is not None]
        width = 3 if variant == results.facts.baseline else 1 if hues[variant] == REST else 2
        line = {"color": hues[variant], "width": width, "dash": patterns[variant]}
        _add_mean(figure, curve, variant, done, line, most)
        for seed in broken:
            _add_broken(figure, curve, variant, seed, hues[variant], most)
        few = max(FEWEST_POINTS, most // max(len(done), 1)) if len(curve.lines) > 200 else most
        seeds += _seeds_of(curve, variant, done, hues[variant], few)
    for (source, variant), (epochs, others) in published_curves(results, name).items():
        points = thinned(len(epochs), most).tolist()
        figure.add_scatter(
            x=[epochs[i] for i in points], y=[_short(others[i]) for i in points],
            mode="lines+markers", name=f"{escape(variant)}, published by {escape(source)}",
            line={"color": hues[variant], "width": 1, "dash": "dash"}, showlegend=False,
            marker={"symbol": "circle-open", "size": 4, "maxdisplayed": 9},
            meta={"variant": variant, "kind": "published"},
            hovertemplate="%{fullData.name}: %{y:.5~g} at %{x}<extra></extra>",
        )  # fmt: skip
    layout = {
        **LAYOUT,
        "xaxis": {"title": {"text": curve.axis}},
        "yaxis": {
            "title": {"text": curve_title(name, results.facts)},
            "type": "log" if _positive(name) else "linear",
        },
        "hovermode": "closest",
        "height": 460,
    }
    return {"data": figure.data, "layout": layout, "seeds": seeds}


def _add_mean(
    figure: Lines, curve: Curve, variant: str, seeds: list[int], line: Any, most: int
) -> None:
    x, values = curve.over_seeds(variant, seeds)
    if not len(x) or not len(values):
        return
    keep = thinned(len(x), most)
    found = band(values)
    mean, low, high = (_plain(v[keep]) for v in (found.mean, found.low, found.high))
    xs = _plain(x[keep])
    group = {"legendgroup": variant, "name": escape(variant), "showlegend": False}
    if found.kind != "none":
        figure.add_scatter(
            x=[*xs, *xs[::-1]],
            y=[*high, *low[::-1]],
            mode="lines",
            line={"width": 0, "color": line["color"]},
            fill="toself",
            fillcolor=_translucent(line["color"]),
            hoverinfo="skip",
            meta={"variant": variant, "kind": "band"},
            **group,
        )
    figure.add_scatter(
        x=xs, y=mean, mode="lines", line=line, meta={"variant": variant, "kind": "mean"},
        hovertemplate="%{fullData.name}: %{y:.5~g} at %{x}<extra></extra>", **group,
    )  # fmt: skip


def _add_broken(figure: Lines, curve: Curve, variant: str, seed: int, hue: str, most: int) -> None:
    """What there is of a run that did not finish."""
    x, values = curve.over_seeds(variant, [seed])
    if len(x) and len(values):
        keep = thinned(len(x), most)
        figure.add_scatter(
            x=_plain(x[keep]),
            y=_plain(values[0][keep]),
            mode="lines",
            line={"color": hue, "width": 1, "dash": "dot"},
            name=f"{escape(variant)}, seed {seed}, not finished",
            showlegend=False,
            meta={"variant": variant, "kind": "broken"},
            hovertemplate="%{fullData.name}: %{y:.5~g} at %{x}<extra></extra>",
        )


def _seeds_of(
    curve: Curve, variant: str, seeds: list[int], hue: str, most: int
) -> list[dict[str, Any]]:
    """The lines of single seeds on one axis: {variant, name, colour, x, seeds: {seed: values}}."""
    lines: dict[str, list[float | None]] = {}
    x, _ = curve.over_seeds(variant, seeds)
    keep = thinned(len(x), most)
    for seed in seeds:
        at, values = curve.over_seeds(variant, [seed])
        if len(at) == len(x) and len(values):
            lines[str(seed)] = _plain(values[0][keep], 5)
        elif len(values):
            own = thinned(len(at), most)
            entry = {"x": _plain(at[own]), "seeds": {str(seed): _plain(values[0][own], 5)}}
            return [
                _seeds_entry(variant, hue) | entry,
                *_seeds_of(curve, variant, [s for s in seeds if s != seed], hue, most),
            ]
    if not lines:
        return []
    return [_seeds_entry(variant, hue) | {"x": _plain(x[keep]), "seeds": lines}]


def _seeds_entry(variant: str, hue: str) -> dict[str, Any]:
    return {"variant": variant, "name": escape(variant), "colour": hue}


def seed_traces(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Single seeds as hidden traces, for who draws the figure without the page's script."""
    return [
        {
            "type": "scatter", "x": entry["x"], "y": values, "mode": "lines", "visible": False,
            "line": {"color": entry["colour"], "width": 1}, "showlegend": False,
            "name": f"{entry['name']}, seed {seed}",
            "meta": {"variant": entry["variant"], "kind": "seed"},
            "hovertemplate": "%{fullData.name}: %{y:.5~g} at %{x}<extra></extra>",
        }
        for entry in entries
        for seed, values in entry["seeds"].items()
    ]  # fmt: skip


@dataclass
class Lines:
    """Traces of a figure as plain data, in the order they were added."""

    data: list[dict[str, Any]] = field(default_factory=list)

    def add_scatter(self, **trace: Any) -> None:
        """Add a line; its keys are plotly's."""
        self.data.append({"type": "scatter", **trace})


LAYOUT: dict[str, Any] = {
    "template": {},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "margin": {"l": 64, "r": 24, "t": 16, "b": 48},
    "showlegend": False,
}


def _figure() -> go.Figure:
    return go.Figure(layout=LAYOUT)


def _positive(name: str) -> bool:
    return "loss" in name


def _plain(values: Any, digits: int = 6) -> list[float | None]:
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in values]


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _translucent(colour: str) -> str:
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},0.16)"
