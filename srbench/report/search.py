"""The search of a study as the report tells it: what was tried, what came of it, what mattered.

All of it was read on `validate`; what holds is said by the confirmation, on seeds and images that
the search never saw.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, nan
from typing import Any

from srbench.analysis.history import Direction, sign
from srbench.analysis.metric_names import metric_name
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, text
from srbench.analysis.space import Dimension, Space
from srbench.core.numbers import listed, plural
from srbench.core.table import Column, Mark, Table, Value

VALIDATED = ("psnr_y", "ssim_y")
TITLES = {"params": "parameters", "macs": "MACs at HR 1280x720",
          "latency": "latency over the baseline's"}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One trial of a search; NaN and None where something is wanting."""

    number: int
    state: str
    repeats: int | None
    values: tuple[float, ...]
    point: dict[str, Any]
    ended_at: float
    epochs: float
    seconds: float
    message: str
    reports: tuple[tuple[int, float], ...]


@lru_cache(maxsize=8)
def trials(results: Results) -> tuple[Trial, ...]:
    """Every trial, in the order of asking."""
    reports: dict[int, list[tuple[int, float]]] = {}
    for row in results.reports.to_dict("records"):
        reports.setdefault(int(row["number"]), []).append((int(row["at"]), number(row["value"])))
    return tuple(
        Trial(
            int(row["number"]),
            text(row["state"]),
            None if number(row["repeats"]) != number(row["repeats"]) else int(row["repeats"]),
            tuple(json.loads(row["values"])),
            json.loads(row["point"]),
            number(row["ended_at"]),
            number(row["epochs"]),
            number(row["seconds"]),
            text(row["message"]),
            tuple(reports.get(int(row["number"]), ())),
        )
        for row in results.trials.to_dict("records")
    )


def objectives(results: Results) -> tuple[tuple[str, Direction], ...]:
    """What was sought, and in which direction."""
    search = results.facts.search or {}
    return tuple(zip(search["objectives"], search["directions"], strict=True))


def title(objective: str) -> str:
    """An objective in words: where a score was taken is part of its name."""
    if objective in VALIDATED:
        return f"{metric_name(objective)} on validate"
    return TITLES.get(objective, objective)


def dimensions(results: Results) -> tuple[Dimension, ...]:
    """The places that were searched."""
    return Space.from_plain((results.facts.search or {})["space"]).dimensions


def best_so_far(results: Results) -> list[tuple[int, float]]:
    """(trial, best value of the first objective up to it), from the first complete one on."""
    _, direction = objectives(results)[0]
    found: list[tuple[int, float]] = []
    for trial in trials(results):
        if trial.state == "complete":
            value = trial.values[0]
            if not found or sign(direction) * value > sign(direction) * found[-1][1]:
                found.append((trial.number, value))
            else:
                found.append((trial.number, found[-1][1]))
    return found


def on_front(results: Results) -> frozenset[int]:
    """Numbers of the complete trials that no other beats in every objective."""
    signs = [sign(d) for _, d in objectives(results)]
    whole = {
        t.number: tuple(s * x for s, x in zip(signs, t.values, strict=True))
        for t in trials(results)
        if t.state == "complete" and t.repeats is None
    }
    return frozenset(
        n
        for n, own in whole.items()
        if not any(
            o != own and all(a >= b for a, b in zip(o, own, strict=True)) for o in whole.values()
        )
    )


def point_said(trial: Trial) -> str:
    """A trial's point in a line."""
    return ", ".join(f"{path}: {_plain(value)}" for path, value in trial.point.items())


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def trials_shown(results: Results) -> Table:
    """One row a trial: state, values, what it was, how long it took."""
    named = objectives(results)
    rows: list[tuple[Value, ...]] = []
    front = on_front(results)
    for trial in trials(results):
        wanting = Mark(trial.state, trial.message or "under way")
        word = "repeat" if trial.repeats is not None else trial.state
        place = "front" if trial.number in front else ""
        rows.append(
            (
                str(trial.number),
                word,
                *(trial.values or (wanting,) * len(named)),
                place,
                point_said(trial),
                trial.epochs,
                trial.seconds,
                trial.message,
            )
        )
    columns = (
        Column("trial", "trial"),
        Column("state", "came to"),
        *(Column(name, title(name), kind="measure") for name, _ in named),
        Column("front", "best" if len(named) == 1 else "on the front"),
        Column("point", "what it was"),
        Column("epochs", "epochs", kind="number", decimals=0),
        Column("seconds", "time", "s", "number", 1),
        Column("message", "why"),
    )
    return Table("trials", "Every trial of the search, read on validate", columns, tuple(rows))


def space_shown(results: Results) -> Table:
    """One row a place: what it might be, what the best trial has there, how much it decided."""
    shares = {text(r["parameter"]): number(r["share"])
              for r in results.importances.to_dict("records")}  # fmt: skip
    best = best_trial(results)
    rows: list[tuple[Value, ...]] = []
    for dimension in dimensions(results):
        share = shares.get(dimension.path, nan)
        rows.append(
            (
                dimension.path,
                values_said(dimension),
                "" if dimension.needs is None else
                f"{dimension.needs.path} is {' or '.join(map(str, dimension.needs.among))}",
                _plain(best.point[dimension.path])
                if best is not None and dimension.path in best.point
                else "",
                share if isfinite(share) else Mark("none", "fewer than ten complete trials"),
            )
        )  # fmt: skip
    columns = (
        Column("place", "place"),
        Column("values", "what it might be"),
        Column("where", "only where"),
        Column("best", "in the best trial"),
        Column("share", "decided", kind="number", decimals=2,
               note="PED-ANOVA: share of what decided who is among the best tenth"),
    )  # fmt: skip
    return Table("space", "The space that was searched", columns, tuple(rows))


def values_said(dimension: Dimension) -> str:
    """A dimension's values in words."""
    plain = vars(dimension.values)
    if "values" in plain:
        return ", ".join(map(str, plain["values"]))
    said = f"{plain['low']:g} to {plain['high']:g}"
    if plain.get("step") not in (None, 1):
        said += f" in steps of {plain['step']:g}"
    return said + (", even in ratio" if plain["log"] else "")


def best_trial(results: Results) -> Trial | None:
    """The complete trial that is best in the first objective."""
    _, direction = objectives(results)[0]
    whole = [t for t in trials(results) if t.state == "complete" and t.repeats is None]
    return max(whole, key=lambda t: (sign(direction) * t.values[0], -t.number), default=None)


def counted(results: Results) -> str:
    """How many trials came to what: "24 trials: 9 complete, 12 pruned, 3 repeats"."""
    found = trials(results)
    counts = {
        state: sum(t.state == state and t.repeats is None for t in found)
        for state in ("complete", "pruned", "infeasible", "failed", "running")
    }
    told = [f"{n} {state}" for state, n in counts.items() if n]
    repeats = sum(t.repeats is not None for t in found)
    told += [plural(repeats, "repeat")] if repeats else []
    return f"{plural(len(found), 'trial')}: {', '.join(told)}"


def search_section(results: Results) -> dict[str, Any]:
    """What the page's section on the search needs; `present` says whether there is one."""
    search = results.facts.search
    if search is None or not len(results.trials):
        return {"present": False, "heading": ""}
    best = best_trial(results)
    heading = "The search has not come to a complete trial yet"
    if best is not None:
        name = objectives(results)[0][0]
        heading = f"Best of {counted(results).partition(':')[0]}, on validate: {point_said(best)}"
        heading += f" ({title(name)} {best.values[0]:.4g})"
    wanted = listed([f"{title(n)} ({d.removesuffix('e')}ed)" for n, d in objectives(results)])
    budget = listed([f"{most:g} {unit}" for unit, most in search["budget"].items()])
    size = "infinitely many points" if search["size"] is None else f"{search['size']:,} points"
    return {
        "present": True,
        "heading": heading,
        "said": (
            f"{counted(results)}. Sought: {wanted}. Sampler {search['sampler']}, pruner "
            f"{search['pruner']}, budget {budget}; a space of {size}."
            + (f" Constraints: {listed(search['constraints'])}." if search["constraints"] else "")
        ),
        "several": len(objectives(results)) > 1,
        "confirmed": len(results.runs[results.runs["variant"].str.startswith("best_")]) > 0,
        "trials": trials_shown(results),
        "space": space_shown(results),
    }
