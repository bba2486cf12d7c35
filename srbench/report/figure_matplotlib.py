"""A figure for paper and page: SVG and PDF by matplotlib.

The page carries the SVGs too: they stand there until (or without) plotly, and in print. There
the ink takes the page's colour, so they read in the dark.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis as Ruler
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import BboxBase

from srbench.report.figure import WIDTH, Axis, Band, Figure, Guide, Line, Point, Word, names_beside
from srbench.report.small_font import FONT, small_font

INK, FAINT = "#1a1b1c", "#8d8e8f"
PATTERNS: dict[str, Any] = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
PATTERNS |= {"longdash": (0, (8, 3)), "longdashdot": (0, (8, 3, 1, 3))}
MARKERS = {"up": "^", "down": "v", "left": "<", "right": ">", "square": "s", "diamond": "D"}
MARKERS |= {"cross": "x"}
SIDES: dict[str, dict[str, Any]] = {
    "right": {"xytext": (8, 0), "ha": "left", "va": "center"},
    "left": {"xytext": (-8, 0), "ha": "right", "va": "center"},
    "above": {"xytext": (0, 7), "ha": "center", "va": "bottom"},
    "below": {"xytext": (0, -7), "ha": "center", "va": "top"},
}
COLUMNS = (1.02, 1.18)  # where the words beside a row stand, in widths of the frame
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "srbench", "svg.fonttype": "none", "pdf.fonttype": 42, "font.size": 9,
    "font.family": "sans-serif", "font.sans-serif": [FONT], "axes.edgecolor": FAINT,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
}  # fmt: skip


def drawn(figure: Figure) -> Drawing:
    """The figure by matplotlib; lines of single seeds are for the screen and left out."""
    out, axes = canvas(WIDTH, figure.height)
    if figure.shaded is not None:
        axes.axvspan(*figure.shaded, color=FAINT, alpha=0.18, linewidth=0)
    for guide in figure.guides:
        _guide(axes, guide)
    for mark in figure.marks:
        if isinstance(mark, Band):
            axes.fill_between(
                mark.x, mark.low, mark.high, color=mark.colour, alpha=0.16, linewidth=0
            )
        elif isinstance(mark, Word):
            axes.annotate(
                mark.text, (mark.x, mark.y), textcoords="offset points", xytext=(4, 4), fontsize=7
            )
        elif isinstance(mark, Line) and mark.kind != "seed":
            _line(axes, mark)
    for symbol, points in groupby(sorted(figure.points, key=_symbol), _symbol):
        _points(axes, symbol, list(points))
    _scale(axes, axes.xaxis, figure.x)
    _scale(axes, axes.yaxis, figure.y)
    for row, words in enumerate(figure.beside):
        for x, word in zip(COLUMNS, words, strict=True):
            place = ("axes fraction", "data")
            axes.annotate(drawable(word), (x, row), xycoords=place, va="center", fontsize=8)
    names = names_beside(figure, 430, 270)
    for point in figure.points:
        if point.variant in names:
            axes.annotate(
                drawable(point.variant), (point.x, point.y), textcoords="offset points",
                fontsize=8, annotation_clip=False, **SIDES[names[point.variant]],
            )  # fmt: skip
    ends = [mark for mark in figure.marks if isinstance(mark, Line) and mark.label]
    _label_ends(axes, [(float(e.x[-1]), float(e.y[-1]), e.label) for e in ends])
    return out


def _line(axes: Axes, line: Line) -> None:
    style: dict[str, Any] = {
        "color": line.colour,
        "linewidth": 0.7 * line.width,
        "alpha": line.opacity,
    }
    style |= {"linestyle": PATTERNS[line.pattern], "solid_capstyle": "butt"}
    if line.stair:
        style["drawstyle"] = "steps-post"
    if line.marked:
        every = max(1, len(line.x) // 9)
        style |= {"marker": "o", "markerfacecolor": "white", "markersize": 3.5}
        style["markevery"] = (every // 2, every)
    axes.plot(line.x, line.y, **style)


def _guide(axes: Axes, guide: Guide) -> None:
    style = {"color": FAINT, "linewidth": 0.8, "linestyle": PATTERNS[guide.pattern]}
    (axes.axvline if guide.axis == "x" else axes.axhline)(guide.at, **style)
    if guide.label and guide.axis == "x":
        axes.annotate(
            guide.label, (guide.at, 1.0), xycoords=("data", "axes fraction"), fontsize=8,
            ha="center", va="bottom",
        )  # fmt: skip
    elif guide.label:
        place = (0.005 + 0.1 * guide.shift, guide.at)
        axes.annotate(
            guide.label, place, xycoords=("axes fraction", "data"), va="bottom", fontsize=8
        )


def _symbol(point: Point) -> str:
    return point.symbol


def _points(axes: Axes, symbol: str, points: Sequence[Point]) -> None:
    """Bars and marks, all of a kind in one go: a hundred artists take their time."""
    x, y = np.array([p.x for p in points]), np.array([p.y for p in points])
    across, up = np.array([p.half_x for p in points]), np.array([p.half_y for p in points])
    edge = [p.colour for p in points]
    full = ["white" if symbol == "ring" else to_rgba(p.colour, p.opacity) for p in points]
    if up.any():
        axes.vlines(x, y - up, y + up, colors=edge, linewidth=1.2, zorder=2)
    if across.any():
        axes.hlines(y, x - across, x + across, colors=edge, linewidth=1.2, zorder=2)
    axes.scatter(
        x, y, s=[p.size**2 for p in points], marker=MARKERS.get(symbol, "o"), c=full,
        edgecolors=None if symbol == "cross" else edge, linewidths=1.4, zorder=3, clip_on=False,
    )  # fmt: skip


def _scale(axes: Axes, ruler: Ruler, axis: Axis) -> None:
    """Title, scale, limits and ticks of one axis."""
    name = "x" if ruler is axes.xaxis else "y"
    axes.set(**{f"{name}label": axis.title})
    if axis.log:
        axes.set(**{f"{name}scale": "log"})
    if axis.limits:
        axes.set(**{f"{name}lim": axis.limits})
    if axis.log:
        plain_ticks(ruler)
    if axis.late:
        _focus(axes)
    if axis.ticks is not None:
        words = [drawable(text) for _, text in axis.ticks]
        ruler.set_ticks([at for at, _ in axis.ticks], words, fontsize=8)
    if axis.ticks is not None and name == "y":  # rows with names need no line beside them
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)


def _focus(axes: Axes) -> None:
    """Leave the first steep part of a curve below the frame: the end is what differs."""
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in axes.get_lines()]
    values = np.concatenate([y[np.isfinite(y)] for y in lines] or [np.empty(0)])
    if len(values) > 20:
        low, high = np.quantile(values, 0.05), values.max()
        if high > low:
            axes.set_ylim(low - 0.05 * (high - low), high + 0.08 * (high - low))


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str]]) -> None:
    """Names at the ends of lines, pushed apart so that none covers another."""
    if not ends:
        return
    axes.get_ylim()  # limits follow the lines now, and not at the first drawing
    seen = -1e9
    for x, y, name in sorted((end for end in ends if np.isfinite(end[1])), key=lambda e: e[1]):
        height = axes.transData.transform((x, y))[1]
        seen = max(height, seen + 11)
        axes.annotate(
            f" {drawable(name)}", (x, y), xytext=(6, (seen - height) * 0.72),
            textcoords="offset points", va="center", fontsize=8, annotation_clip=False,
        )  # fmt: skip


def draw_all(figures: Mapping[str, Figure]) -> dict[str, tuple[str, bytes]]:
    """Each figure by name, as SVG text and PDF bytes."""
    return saved({name: partial(drawn, figure) for name, figure in figures.items()})


def saved(make: Mapping[str, Callable[[], Drawing]]) -> dict[str, tuple[str, bytes]]:
    """The SVG text and PDF bytes of figures; the same figures give the same bytes."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # a name in another script shows boxes in the PDF, and itself on the page
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        # all values alike: Matplotlib widens the axis, as it should
        warnings.filterwarnings("ignore", "Attempting to set identical", UserWarning)
        made = {}
        for name, call in make.items():
            figure = call()
            FigureCanvasSVG(figure)
            box = figure.get_tightbbox().padded(0.1)  # once for both: it takes as long as drawing
            made[name] = figure, box, _svg(figure, box)
        with small_font("".join(svg for *_, svg in made.values())):
            return {name: (svg, _pdf(figure, box)) for name, (figure, box, svg) in made.items()}


def _svg(figure: Drawing, box: BboxBase) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None}, bbox_inches=box)
    return out.getvalue()


def _pdf(figure: Drawing, box: BboxBase) -> bytes:
    out = io.BytesIO()
    FigureCanvasPdf(figure)
    figure.savefig(out, format="pdf", metadata={"CreationDate": None}, bbox_inches=box)
    return out.getvalue()


def inline(svg: str, name: str) -> str:
    """An SVG for the page: its own ids, and ink that follows light and dark."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', lambda m: f"{m.group(1)}{name}-", body)
    body = body.replace(INK, "var(--ink)").replace(FAINT, "var(--faint)")
    body = re.sub(r'<svg([^>]*?) width="[^"]*"', r"<svg\1", body, count=1)
    body = re.sub(r'<svg([^>]*?) height="[^"]*"', r"<svg\1", body, count=1)
    return body.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)


def canvas(width: float, height: float) -> tuple[Drawing, Axes]:
    """An empty figure of this size in inches."""
    figure = Drawing(figsize=(width, height))
    return figure, figure.add_subplot()


def drawable(name: str) -> str:
    """Without byte order marks: they have no glyph, and Matplotlib 3.11 fails on one in a PDF."""
    return name.replace("\ufeff", "")


def plain_ticks(axis: Ruler) -> None:
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
