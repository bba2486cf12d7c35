"""The figures of a search: best so far, pruned trials, importances, settings.

Optuna's dashboard draws the same figures of the same trials itself.
"""

from __future__ import annotations

from math import isfinite, log10
from typing import Any

from srbench.analysis.history import Tried
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, text
from srbench.analysis.search_results import (
    best_so_far,
    dimensions,
    objectives,
    on_front,
    title,
    trials,
)
from srbench.analysis.space import Choices, Dimension
from srbench.report.figure import Axis, Figure, Guide, Line, Mark, Point, Word

GIVEN_UP = ("pruned", "diverged")
HUE, LOST, FAINT = "#2166ac", "#b2182b", "#8d8e8f"


def search_figures(results: Results) -> dict[str, Figure]:
    """Name -> figure, for each that there is enough for."""
    if results.facts.search is None or not best_so_far(results):
        return {}
    found = {"search-best": best_figure(results), "search-parallel": parallel_figure(results)}
    if any(len(t.reports) > 1 for t in trials(results)):
        found["search-reports"] = reports_figure(results)
    if len(results.importances):
        found["search-importances"] = importances_figure(results)
    if len(objectives(results)) > 1:
        found["search-front"] = front_figure(results)
    return found


def best_figure(results: Results) -> Figure:
    """The first objective of every complete trial, and the best so far as a stair."""
    whole = [t for t in trials(results) if t.state == "complete"]
    lost = [t for t in trials(results) if t.state in GIVEN_UP and t.repeats is None and t.reports]
    stair = best_so_far(results)
    marks: tuple[Mark, ...] = (
        *(_dot(t, t.number, t.values[0], FAINT) for t in whole),
        Line([n for n, _ in stair], [v for _, v in stair], HUE, "front", width=2.3, stair=True),
        *(_dot(t, t.number, t.reports[max(t.reports)], LOST, "cross") for t in lost),
    )
    return Figure(Axis("trial"), Axis(title(results, objectives(results)[0][0])), marks, height=3.2)


def reports_figure(results: Results) -> Figure:
    """What each trial reported; a cross where it was pruned."""
    seeds = len((results.facts.search or {})["seeds"]) > 1
    marks: list[Line | Point] = []
    for trial in trials(results):
        points = [(at + seeds, x) for at, x in trial.reports.items() if isfinite(x)]
        if trial.repeats is not None or not points:
            continue
        pruned = trial.state in GIVEN_UP
        x, y = zip(*points, strict=True)
        name, hue = f"trial {trial.number}", LOST if pruned else HUE
        marks.append(Line(x, y, hue, "interval", name, width=1.4, opacity=0.55))
        if pruned:
            marks.append(_dot(trial, x[-1], y[-1], LOST, "cross"))
    axis = Axis("seed" if seeds else "epoch")
    return Figure(axis, Axis(title(results, objectives(results)[0][0])), tuple(marks), height=3.6)


def importances_figure(results: Results) -> Figure:
    """Share of each setting in deciding which trials are the best tenth, by PED-ANOVA."""
    rows = results.importances.to_dict("records")
    marks = tuple(
        Line([0.0, number(r["share"])], [y, y], HUE, "interval", text(r["parameter"]), width=18)
        for y, r in enumerate(rows)
    )
    names = tuple((float(y), text(r["parameter"])) for y, r in enumerate(rows))
    y = Axis(limits=(len(rows) - 0.4, -0.6), ticks=names)
    x = Axis("importance", limits=(0.0, 1.05 * max(number(r["share"]) for r in rows)))
    return Figure(x, y, marks, height=0.8 + 0.3 * len(rows))


def front_figure(results: Results) -> Figure:
    """Second objective against the first; those that no other beats are joined."""
    whole = [t for t in trials(results) if t.counts]
    best = on_front(results)
    front = sorted((t for t in whole if t.number in best), key=lambda t: t.values[1])
    stair = Line([t.values[1] for t in front], [t.values[0] for t in front], HUE, "front",
                 width=1.4, stair=True)  # fmt: skip
    marks: tuple[Mark, ...] = (
        *(_dot(t, t.values[1], t.values[0], FAINT) for t in whole),
        *([stair] if len(objectives(results)) == 2 else []),
        *(_dot(t, t.values[1], t.values[0], HUE, size=6) for t in front),
        *(Word(t.values[1], t.values[0], str(t.number)) for t in front[:12]),
    )
    y, x = (Axis(title(results, name)) for name, _ in objectives(results)[:2])
    return Figure(x, y, marks, height=3.6)


def _dot(
    trial: Tried, x: float, y: float, hue: str, symbol: str = "circle", size: float = 4
) -> Point:
    name = f"trial {trial.number}"
    return Point(x, y, hue, name, symbol, f"{name}: {y:.5g}", size)


def parallel_figure(results: Results) -> Figure:
    """Each complete trial as a line through its places; the opacity shows how good it is."""
    places = dimensions(results)
    whole = [t for t in trials(results) if t.counts]
    values = [t.values[0] for t in whole]
    low, high = min(values), max(values)
    maximize = objectives(results)[0][1] == "maximize"
    marks: list[Line | Word] = []
    for trial, value in sorted(zip(whole, values, strict=True), key=lambda p: p[1]):
        share = (value - low) / (high - low) if high > low else 1.0
        alpha = 0.12 + 0.78 * (share if maximize else 1 - share) ** 3
        heights = [*(_height(trial, place) for place in places), share]
        marks.append(Line(range(len(places) + 1), heights, HUE, "interval",
                          f"trial {trial.number}", width=1.7, opacity=alpha))  # fmt: skip
    for i, place in enumerate(places):
        marks += [Word(i, y, message) for y, message in _ticks(place)]
    marks += [Word(len(places), y, f"{value:.4g}") for y, value in ((0.0, low), (1.0, high))]
    names = [
        *(place.path.replace(".", ".\n") for place in places),
        title(results, objectives(results)[0][0]),
    ]
    x = Axis(ticks=tuple((float(i), name) for i, name in enumerate(names)))
    guides = tuple(Guide("x", i) for i in range(len(names)))
    return Figure(x, Axis(limits=(-0.25, 1.12), ticks=()), tuple(marks), guides, height=3.8)


ABSENT = -0.18  # the height where a trial has no such setting


def _height(trial: Tried, place: Dimension) -> float:
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
    found = [(ABSENT, "not set")] if place.needs is not None else []
    if isinstance(place.values, Choices):
        among = place.values.values
        return found + [(i / max(1, len(among) - 1), str(v)) for i, v in enumerate(among)]
    return [*found, (0.0, f"{place.values.low:g}"), (1.0, f"{place.values.high:g}")]
