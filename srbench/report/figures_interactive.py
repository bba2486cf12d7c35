"""Interactive figures as plain plotly values: no template, no typed arrays, no random ids.

Traces are plain scatters, which Plotly.js 2.35 (Optuna's dashboard) draws as well as today's.
Colours of text and axes are left to whoever shows the figure, since only the page knows whether
it is dark; each trace names its variant in `meta`.
"""

from __future__ import annotations

import math
from html import escape
from typing import Any

import plotly.graph_objects as go

from srbench.report.cells import interpolation_scores, scores_by_seed, trained
from srbench.report.colours import REST, colours, dashes
from srbench.report.costs import COSTS, costs_of, spaced
from srbench.report.curves import Curve, curve_names, curve_title, read_curve, thinned
from srbench.report.forest import forest_of
from srbench.report.numbers import metric_name
from srbench.report.ranking import by_variant, effect_decimals
from srbench.results import Results
from srbench.stats.curves import band
from srbench.stats.effects import t_interval

MOST_POINTS, FEWEST_POINTS = 300, 40  # of one line
ALL_POINTS = 60_000  # of one figure, single seeds included


def forest(results: Results) -> go.Figure:
    """Effects with 95 % and simultaneous intervals, best on top."""
    plot, hues, unit = forest_of(results), colours(results), results.facts.unit
    figure = _figure()
    if plot.band:
        figure.add_vrect(-plot.band, plot.band, fillcolor="rgba(128,128,128,0.15)", line_width=0)
    figure.add_vline(0, line={"width": 1, "color": "#808080"})
    for row in plot.rows:
        effect = row.effect
        common = {"y": [escape(row.variant)], "showlegend": False, "meta": {"variant": row.variant}}
        if effect is None:
            marker = {"symbol": "diamond", "size": 9, "color": hues[row.variant]}
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
            marker={"size": 10, "color": hues[row.variant]},
            hovertemplate=f"%{{y}}: {row.label} {unit} ({row.interval})<extra></extra>",
            **common,
        )
    names = [escape(row.variant) for row in plot.rows]
    name = metric_name(results.facts.metric)
    figure.update_layout(
        xaxis={"title": {"text": f"effect on {name}" + (f", {unit}" if unit else "")}},
        yaxis={"categoryorder": "array", "categoryarray": names[::-1], "automargin": True},
        height=90 + 28 * len(names),
    )
    return figure


def curves(results: Results, name: str | None = None) -> go.Figure:
    """One stored curve: mean and band over seeds, single seeds hidden, failed runs dashed."""
    known = curve_names(results)
    name = name or (known[0] if known else "loss")
    hues, patterns = colours(results), dashes(results)
    rows, figure, curve = by_variant(results), _figure(), read_curve(results, name)
    most = max(FEWEST_POINTS, min(MOST_POINTS, ALL_POINTS // max(len(curve.lines), 1)))
    for variant in trained(results):
        done = [c.seed for c in rows[variant] if c.state == "done"]
        broken = [c.seed for c in rows[variant] if c.state != "done" and c.run_id is not None]
        width = 3 if variant == results.facts.baseline else 1 if hues[variant] == REST else 2
        line = {"color": hues[variant], "width": width, "dash": patterns[variant]}
        _add_mean(figure, curve, variant, done, line, most)
        for seed in (*done, *broken):
            hue = hues[variant]
            _add_seed(figure, curve, variant, seed, hue, seed in broken, most)
    figure.update_layout(
        xaxis={"title": {"text": curve.axis}},
        yaxis={
            "title": {"text": curve_title(name)},
            "type": "log" if _positive(name) else "linear",
        },
        hovermode="closest",
        height=460,
    )
    return figure


def quality_cost(results: Results, cost: str = "parameters") -> go.Figure:
    """The primary metric against one cost on a log axis, with 95 % intervals over seeds."""
    hues, scores = colours(results), scores_by_seed(results)
    d, unit = effect_decimals(results) + 1, results.facts.unit
    figure, prices = _figure(), costs_of(results, cost)
    for variant in trained(results):
        quality, price = t_interval(list(scores[variant].values())), prices[variant]
        if not quality.count or not price.count:
            continue
        error = quality.half if quality.count > 1 else 0.0
        points: dict[str, Any] = {
            "x": [_short(price.mean)],
            "y": [round(quality.mean, d)],
            "error_y": {"type": "data", "array": [round(error, d)], "thickness": 1.5, "width": 0},
        }
        if price.count > 1:
            points["error_x"] = {
                "type": "data", "array": [_short(price.half)], "thickness": 1.5, "width": 0,
            }  # fmt: skip
        figure.add_scatter(
            mode="markers+text",
            text=[escape(variant) if hues[variant] != REST else ""],
            textposition="middle right",
            cliponaxis=False,
            marker={
                "size": 10,
                "color": hues[variant],
                "symbol": "diamond" if variant == results.facts.baseline else "circle",
            },
            name=escape(variant),
            meta={"variant": variant, "kind": "point"},
            hovertemplate=f"%{{fullData.name}}: %{{y}} {unit}, %{{x:,}}<extra></extra>",
            **points,
        )
    for name, level, shift in spaced(interpolation_scores(results), list(scores.values())):
        figure.add_hline(
            round(level, d),
            line={"width": 1, "dash": "dot", "color": "#808080"},
            annotation={
                "text": escape(name), "x": 0.1 * shift, "xanchor": "left", "yanchor": "bottom",
                "showarrow": False,
            },
        )  # fmt: skip
    title = metric_name(results.facts.metric) + (f", {unit}" if unit else "")
    figure.update_layout(
        xaxis={"title": {"text": COSTS.get(cost, cost)}, "type": "log"},
        yaxis={"title": {"text": title}},
        height=440,
        margin={"r": 120},
    )
    return figure


def _add_mean(
    figure: go.Figure, curve: Curve, variant: str, seeds: list[int], line: Any, most: int
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


def _add_seed(
    figure: go.Figure, curve: Curve, variant: str, seed: int, hue: str, broken: bool, most: int
) -> None:
    x, values = curve.over_seeds(variant, [seed])
    if not len(x) or not len(values):
        return
    keep = thinned(len(x), most)
    figure.add_scatter(
        x=_plain(x[keep]),
        y=_plain(values[0][keep]),
        mode="lines",
        line={"color": hue, "width": 1, "dash": "dot" if broken else "solid"},
        visible=broken,
        name=f"{escape(variant)}, seed {seed}" + (", not finished" if broken else ""),
        showlegend=False,
        meta={"variant": variant, "kind": "broken" if broken else "seed"},
        hovertemplate="%{fullData.name}: %{y:.5~g} at %{x}<extra></extra>",
    )


def _figure() -> go.Figure:
    return go.Figure(
        layout={
            "template": {},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 64, "r": 24, "t": 16, "b": 48},
            "showlegend": False,
        }
    )


def _positive(name: str) -> bool:
    return "loss" in name


def _plain(values: Any) -> list[float | None]:
    return [_short(float(v)) if math.isfinite(v) else None for v in values]


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _translucent(colour: str) -> str:
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},0.16)"
