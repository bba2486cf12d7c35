"""The search of a study: its trials, its space, and what mattered, all read on `validate`."""

from __future__ import annotations

from math import isfinite, nan

from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, text
from srbench.analysis.search_results import (
    best_trial,
    confirmed,
    dimensions,
    objectives,
    on_front,
    point_text,
    search_heading,
    search_text,
    searched,
    title,
    trials,
    value_text,
)
from srbench.analysis.space import Dimension
from srbench.core.table import Column, Mark, Table, Value
from srbench.report.search_figures import search_figures
from srbench.report.section import Section


def trials_shown(results: Results) -> Table:
    """One row a trial: state, values, what it was, how long it took."""
    named = objectives(results)
    rows: list[tuple[Value, ...]] = []
    front = on_front(results)
    for trial in trials(results):
        missing = Mark(trial.state, trial.message or "under way")
        place = "front" if trial.number in front else ""
        rows.append(
            (
                str(trial.number),
                trial.word,
                *(trial.values or (missing,) * len(named)),
                place,
                point_text(trial),
                trial.epochs,
                trial.seconds,
                trial.message,
            )
        )
    columns = (
        Column("trial", "trial"),
        Column("state", "state"),
        *(Column(name, title(results, name), kind="measure") for name, _ in named),
        Column("front", "best" if len(named) == 1 else "on the front"),
        Column("point", "settings"),
        Column("epochs", "epochs", kind="number", decimals=0),
        Column("seconds", "time", "s", "number", 1),
        Column("message", "message"),
    )
    return Table("trials", "Every trial of the search, read on validate", columns, tuple(rows))


def space_shown(results: Results) -> Table:
    """One row a setting: its values, that of the best trial, its importance."""
    shares = {text(r["parameter"]): number(r["share"])
              for r in results.importances.to_dict("records")}  # fmt: skip
    best = best_trial(results)
    rows: list[tuple[Value, ...]] = []
    for dimension in dimensions(results):
        share = shares.get(dimension.path, nan)
        rows.append(
            (
                dimension.path,
                values_text(dimension),
                "" if dimension.needs is None else
                f"{dimension.needs.path} is {' or '.join(map(str, dimension.needs.among))}",
                value_text(best.point[dimension.path])
                if best is not None and dimension.path in best.point
                else "",
                share if isfinite(share) else Mark("none", "fewer than ten complete trials"),
            )
        )  # fmt: skip
    columns = (
        Column("place", "setting"),
        Column("values", "values"),
        Column("where", "only where"),
        Column("best", "in the best trial"),
        Column("share", "importance", kind="number", decimals=2,
               note="PED-ANOVA: share in deciding which trials are among the best tenth"),
    )  # fmt: skip
    return Table("space", "The space that was searched", columns, tuple(rows))


def values_text(dimension: Dimension) -> str:
    """A dimension's values in words."""
    plain = vars(dimension.values)
    if "values" in plain:
        return ", ".join(map(str, plain["values"]))
    phrase = f"{plain['low']:g} to {plain['high']:g}"
    if plain.get("step") not in (None, 1):
        phrase += f" in steps of {plain['step']:g}"
    return phrase + (", logarithmic" if plain["log"] else "")


def section(results: Results) -> Section:
    """What a search has tried, and what came of it; shown where the study searches."""
    there = searched(results)
    return Section(
        "search",
        "Search",
        search_heading(results),
        (trials_shown(results), space_shown(results)) if results.facts.search is not None else (),
        search_figures(results),
        template="section_search.html",
        shows={
            "said": search_text(results) if there else "",
            "confirmed": bool(confirmed(results)),
        },
    )
