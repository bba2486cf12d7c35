"""Figures for paper: SVG and PDF by matplotlib, the same numbers as the interactive ones.

The page carries the SVGs too: they stand there until (or without) plotly, and in print. There
the ink takes the page's colour, so they read in the dark.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from srbench.analysis.bands import band
from srbench.analysis.curves import curve_title, read_curve, thinned
from srbench.analysis.judgement import Judged
from srbench.analysis.published_comparison import published_curves
from srbench.analysis.ranking import by_variant
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import trained
from srbench.report.colours import REST, colours, dashes
from srbench.report.forest import Forest, ForestRow, forest_of

INK, FAINT = "#1a1b1c", "#8d8e8f"
LINES: dict[str, Any] = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
LINES |= {"longdash": (0, (8, 3)), "longdashdot": (0, (8, 3, 1, 3))}
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "srbench", "svg.fonttype": "none", "pdf.fonttype": 42, "font.size": 9,
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "axes.edgecolor": FAINT,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
}  # fmt: skip


MARKERS = {"up": "^", "down": "v", "square": "s", "ring": "o", "dot": "."}


def forest_figure(results: Results) -> Figure:
    """Effects with their intervals and verdicts; the controls stand below a line."""
    plot, hues = forest_of(results), colours(results)
    figure, axes = canvas(7.2, 0.9 + 0.28 * len(plot.rows))
    if plot.band:
        axes.axvspan(-plot.band, plot.band, color=FAINT, alpha=0.18, linewidth=0)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    if plot.reference and plot.low < plot.reference[2] < plot.high:
        axes.axvline(plot.reference[2], color=INK, linewidth=0.8, linestyle=":")
        axes.annotate(
            plot.reference[0], (plot.reference[2], 1.0), xycoords=("data", "axes fraction"),
            fontsize=8, ha="center", va="bottom",
        )  # fmt: skip
    for y, row in enumerate(plot.rows):
        hue, effect = hues[row.variant], row.effect
        if effect is None:
            axes.plot([0], [y], "D", color=hue, markersize=5)
        elif effect.pairs:
            _contrast(axes, plot, row, effect, y, hue)
        said = f"{row.label}  ({row.interval})" if row.interval else row.label
        beside = ((1.02, row.verdict), (1.18, said))
        for x, said in beside:
            axes.annotate(said, (x, y), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    names = [f"control {row.variant}" if row.control else row.variant for row in plot.rows]
    axes.set_yticks(range(len(plot.rows)), [drawable(name) for name in names])
    first = next((y for y, row in enumerate(plot.rows) if row.control), None)
    if first is not None:
        axes.axhline(first - 0.5, color=FAINT, linewidth=0.6, linestyle=(0, (4, 3)))
    axes.set_ylim(len(plot.rows) - 0.4, -0.6)
    axes.set_xlim(plot.low, plot.high)
    axes.set_xticks([tick.at for tick in plot.ticks], [tick.label for tick in plot.ticks])
    axes.set_xlabel(titled("effect on " + results.facts.heading(), results))
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)
    return figure


def _contrast(axes: Axes, plot: Forest, row: ForestRow, effect: Judged, y: int, hue: str) -> None:
    """Both intervals and the mark of the verdict; an arrow where it lies outside the frame."""
    if effect.low == effect.low:
        family = [effect.simultaneous_low, effect.simultaneous_high]
        axes.plot(family, [y, y], color=hue, linewidth=1.0)
        axes.plot([effect.low, effect.high], [y, y], color=hue, linewidth=3.5)
    side = plot.outside(effect.mean)
    if side:
        x, marker = (plot.low, "<") if side == "left" else (plot.high, ">")
        axes.plot([x], [y], marker, color=hue, markersize=6, clip_on=False)
        return
    fill = "white" if row.shape == "ring" else hue
    size = 9 if row.shape == "dot" else 7
    axes.plot(
        [effect.mean], [y], MARKERS[row.shape], color=hue, markerfacecolor=fill, markersize=size
    )


def curves_figure(results: Results, name: str) -> Figure:
    """Mean and band over seeds of one curve, labelled at the end of its line."""
    figure, axes = canvas(7.2, 4.0)
    hues, patterns, rows = colours(results), dashes(results), by_variant(results)
    names, curve = trained(results), read_curve(results, name)
    ends: list[tuple[float, float, str]] = []
    for variant in sorted(names, key=lambda v: (hues[v] != REST, names.index(v))):
        done = [c.seed for c in rows[variant] if c.state == "done"]
        x, values = curve.over_seeds(variant, done)
        if len(x) and len(values):
            keep = thinned(len(x), 300)
            found = band(values)
            style = {"color": hues[variant], "linestyle": LINES[patterns[variant]]}
            axes.plot(x[keep], found.mean[keep], linewidth=1.4, **style)
            if found.kind != "none":
                low, high = found.low[keep], found.high[keep]
                axes.fill_between(x[keep], low, high, color=hues[variant], alpha=0.16, linewidth=0)
            if hues[variant] != REST and np.isfinite(found.mean[-1]):
                ends.append((float(x[-1]), float(found.mean[-1]), variant))
        for cell in rows[variant]:
            if cell.state != "done" and cell.run_id is not None:
                x, values = curve.over_seeds(variant, [cell.seed])
                if len(values):
                    axes.plot(x, values[0], color=hues[variant], linewidth=0.8, linestyle=":")
    for (_, variant), (epochs, others) in published_curves(results, name).items():
        every = max(1, len(epochs) // 9)
        axes.plot(
            epochs, others, color=hues[variant], linewidth=0.9, linestyle=(0, (2, 2)), marker="o",
            markerfacecolor="white", markersize=3.5, markevery=(every // 2, every),
        )  # fmt: skip
        if hues[variant] != REST:
            ends.append((float(epochs[-1]), float(others[-1]), f"{variant}, published"))
    axes.set_xlabel(curve.axis)
    axes.set_ylabel(curve_title(name, results.facts))
    if "loss" in name:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    _focus(axes, name)
    _label_ends(axes, ends, hues)
    return figure


def draw(make: Callable[[], Figure]) -> tuple[str, bytes]:
    """The SVG text and PDF bytes of a figure; the same figure gives the same bytes."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure = make()  # a name in another script shows boxes in the PDF, and itself on the page
        svg, pdf = io.StringIO(), io.BytesIO()
        date: dict[str, None] = {"Date": None}
        FigureCanvasSVG(figure)
        box = figure.get_tightbbox().padded(0.1)  # once for both: it takes as long as drawing
        figure.savefig(svg, format="svg", metadata=date, bbox_inches=box)
        FigureCanvasPdf(figure)
        no_date = {"CreationDate": None}
        figure.savefig(pdf, format="pdf", metadata=no_date, bbox_inches=box)
    return svg.getvalue(), pdf.getvalue()


def inline(svg: str, name: str) -> str:
    """An SVG to stand in the page: its own ids, and ink that follows light and dark."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', lambda m: f"{m.group(1)}{name}-", body)
    body = body.replace(INK, "var(--ink)").replace(FAINT, "var(--faint)")
    body = re.sub(r'<svg([^>]*?) width="[^"]*"', r"<svg\1", body, count=1)
    body = re.sub(r'<svg([^>]*?) height="[^"]*"', r"<svg\1", body, count=1)
    return body.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def drawable(name: str) -> str:
    """Without byte order marks: they have no glyph, and Matplotlib 3.11 fails on one in a PDF."""
    return name.replace("\ufeff", "")


def titled(title: str, results: Results) -> str:
    return f"{title}, {results.facts.unit}" if results.facts.unit else title


def plain_ticks(axis: Axis) -> None:
    """Numbers instead of powers of ten on a log axis, also where it spans less than a decade."""
    axis.set_minor_locator(NullLocator())
    low, high = axis.get_view_interval()
    spread = high / low if low > 0 else 100.0
    axis.set_major_locator(MaxNLocator(5) if spread < 8 else LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))


def compact(value: float) -> str:
    """A number on an axis: 0.05, 70k, 1.2M, 16G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def _focus(axes: Axes, name: str) -> None:
    """Leave the first steep part of a PSNR curve below the frame: the end is what differs."""
    if "loss" in name:
        return
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in axes.get_lines()]
    values = np.concatenate([y[np.isfinite(y)] for y in lines] or [np.empty(0)])
    if len(values) > 20:
        low, high = np.quantile(values, 0.05), values.max()
        if high > low:
            axes.set_ylim(low - 0.05 * (high - low), high + 0.08 * (high - low))


def _label_ends(axes: Axes, ends: list[tuple[float, float, str]], hues: dict[str, str]) -> None:
    """Names at the ends of lines, pushed apart so that none covers another."""
    axes.figure.canvas.draw()
    seen = -1e9
    for x, y, name in sorted(ends, key=lambda end: end[1]):
        height = axes.transData.transform((x, y))[1]
        seen = max(height, seen + 11)
        axes.annotate(
            f" {drawable(name)}", (x, y), xytext=(6, (seen - height) * 0.72),
            textcoords="offset points", va="center", fontsize=8, annotation_clip=False,
        )  # fmt: skip
