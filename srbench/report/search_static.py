"""The figures of a search: best so far, what was given up when, what mattered, what went together.

In Optuna's dashboard the same trials have the same figures, drawn by it.
"""

from __future__ import annotations

from math import isfinite, log10
from typing import Any

from matplotlib.figure import Figure

from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, text
from srbench.analysis.search_results import (
    Trial,
    best_so_far,
    dimensions,
    objectives,
    on_front,
    title,
    trials,
)
from srbench.analysis.space import Choices, Dimension
from srbench.report.figures_static import FAINT, INK, canvas

HUE, LOST = "#2166ac", "#b2182b"


def search_figures(results: Results) -> dict[str, Any]:
    """Name -> what draws it, for each figure that there is enough for."""
    if results.facts.search is None or not best_so_far(results):
        return {}
    found: dict[str, Any] = {"search-best": best_figure, "search-parallel": parallel_figure}
    if any(len(t.reports) > 1 for t in trials(results)):
        found["search-reports"] = reports_figure
    if len(results.importances):
        found["search-importances"] = importances_figure
    if len(objectives(results)) > 1:
        found["search-front"] = front_figure
    return found


def best_figure(results: Results) -> Figure:
    """The first objective of every complete trial, and the best so far as a stair."""
    figure, axes = canvas(7.2, 3.2)
    whole = [t for t in trials(results) if t.state == "complete"]
    axes.plot([t.number for t in whole], [t.values[0] for t in whole], "o", color=FAINT,
              markersize=4)  # fmt: skip
    stair = best_so_far(results)
    axes.step([n for n, _ in stair], [v for _, v in stair], where="post", color=HUE, linewidth=1.6)
    lost = [t for t in trials(results) if t.state == "pruned" and t.repeats is None and t.reports]
    axes.plot([t.number for t in lost], [t.reports[-1][1] for t in lost], "x", color=LOST,
              markersize=4)  # fmt: skip
    axes.set_xlabel("trial")
    axes.set_ylabel(title(results, objectives(results)[0][0]))
    return figure


def reports_figure(results: Results) -> Figure:
    """What each trial reported on its way; a cross where it was given up."""
    figure, axes = canvas(7.2, 3.6)
    seeds = len((results.facts.search or {})["seeds"]) > 1
    for trial in trials(results):
        points = [(at, x) for at, x in trial.reports if isfinite(x)]
        if trial.repeats is not None or not points:
            continue
        x, y = [at + seeds for at, _ in points], [v for _, v in points]
        pruned = trial.state == "pruned"
        axes.plot(x, y, color=LOST if pruned else HUE, alpha=0.55, linewidth=1.0)
        if pruned:
            axes.plot(x[-1:], y[-1:], "x", color=LOST, markersize=5)
    axes.set_xlabel("seed" if seeds else "epoch")
    axes.set_ylabel(title(results, objectives(results)[0][0]))
    return figure


def importances_figure(results: Results) -> Figure:
    """Share of each place in who is among the best tenth, by PED-ANOVA."""
    rows = results.importances.to_dict("records")
    figure, axes = canvas(7.2, 0.8 + 0.3 * len(rows))
    axes.barh(range(len(rows)), [number(r["share"]) for r in rows], color=HUE, height=0.6)
    axes.set_yticks(range(len(rows)), [text(r["parameter"]) for r in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("share of what decided")
    return figure


def front_figure(results: Results) -> Figure:
    """Second objective against the first; those that no other beats are joined."""
    figure, axes = canvas(7.2, 3.6)
    whole = [t for t in trials(results) if t.state == "complete" and t.repeats is None]
    best = on_front(results)
    axes.plot([t.values[1] for t in whole], [t.values[0] for t in whole], "o", color=FAINT,
              markersize=4)  # fmt: skip
    front = sorted((t for t in whole if t.number in best), key=lambda t: t.values[1])
    axes.plot([t.values[1] for t in front], [t.values[0] for t in front], "o", color=HUE,
              markersize=6)  # fmt: skip
    if len(objectives(results)) == 2:
        axes.step([t.values[1] for t in front], [t.values[0] for t in front], where="post",
                  color=HUE, linewidth=1.0)  # fmt: skip
    for trial in front[:12]:
        axes.annotate(str(trial.number), (trial.values[1], trial.values[0]),
                      textcoords="offset points", xytext=(4, 5), fontsize=8)  # fmt: skip
    axes.set_xlabel(title(results, objectives(results)[1][0]))
    axes.set_ylabel(title(results, objectives(results)[0][0]))
    return figure


def parallel_figure(results: Results) -> Figure:
    """Each complete trial as a line through its places; the fuller, the better."""
    places = dimensions(results)
    figure, axes = canvas(7.2, 3.8)
    whole = [t for t in trials(results) if t.state == "complete" and t.repeats is None]
    values = [t.values[0] for t in whole]
    low, high = min(values), max(values)
    maximize = objectives(results)[0][1] == "maximize"
    for trial, value in sorted(zip(whole, values, strict=True), key=lambda p: p[1]):
        share = (value - low) / (high - low) if high > low else 1.0
        height = [_height(trial, place) for place in places]
        alpha = 0.12 + 0.78 * (share if maximize else 1 - share) ** 3
        axes.plot(range(len(places) + 1), [*height, share], color=HUE, alpha=alpha, linewidth=1.2)
    for i, place in enumerate(places):
        axes.axvline(i, color=FAINT, linewidth=0.8)
        for y, said in _ticks(place):
            axes.annotate(said, (i, y), textcoords="offset points", xytext=(3, 2), fontsize=7,
                          color=INK)  # fmt: skip
    axes.axvline(len(places), color=FAINT, linewidth=0.8)
    for y, value in ((0.0, low), (1.0, high)):
        axes.annotate(f"{value:.4g}", (len(places), y), textcoords="offset points", xytext=(3, 2),
                      fontsize=7)  # fmt: skip
    names = [place.path.replace(".", ".\n") for place in places]
    axes.set_xticks(
        range(len(places) + 1), [*names, title(results, objectives(results)[0][0])], fontsize=7
    )
    axes.set_yticks([])
    axes.set_ylim(-0.25, 1.12)
    axes.spines["left"].set_visible(False)
    return figure


ABSENT = -0.18  # height of what does not exist in a trial


def _height(trial: Trial, place: Dimension) -> float:
    if place.path not in trial.point:
        return ABSENT
    value: Any = trial.point[place.path]
    if isinstance(place.values, Choices):
        among = place.values.values
        return among.index(value) / max(1, len(among) - 1)
    low, high = float(place.values.low), float(place.values.high)
    if place.values.log:
        return log10(float(value) / low) / log10(high / low)
    return float((value - low) / (high - low))


def _ticks(place: Dimension) -> list[tuple[float, str]]:
    found = [(ABSENT, "not there")] if place.needs is not None else []
    if isinstance(place.values, Choices):
        among = place.values.values
        return found + [(i / max(1, len(among) - 1), str(v)) for i, v in enumerate(among)]
    return [*found, (0.0, f"{place.values.low:g}"), (1.0, f"{place.values.high:g}")]
