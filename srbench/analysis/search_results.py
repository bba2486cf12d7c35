"""What a search tried and what came of it, read on `validate`; no verdict rests on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from srbench.analysis.history import Direction, outcomes, sign
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, text
from srbench.analysis.space import Dimension, Space
from srbench.core.numbers import listed, plural

TITLES = {"params": "parameters", "macs": "MACs at HR 1280x720",
          "latency": "latency over the baseline's"}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One trial of a search; NaN and None where a value is missing."""

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

    @property
    def word(self) -> str:
        """Its state, or that it repeats another."""
        return self.state if self.repeats is None else "repeat"


def searched(results: Results) -> bool:
    """Whether the study searches, and has tried something."""
    return results.facts.search is not None and len(results.trials) > 0


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


def title(results: Results, objective: str) -> str:
    """An objective in words: where a score was taken is part of its name."""
    if objective in TITLES:
        return TITLES[objective]
    return f"{results.facts.heading(objective)} on validate"


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


def best_trial(results: Results) -> Trial | None:
    """The complete trial that is best in the first objective."""
    _, direction = objectives(results)[0]
    whole = [t for t in trials(results) if t.state == "complete" and t.repeats is None]
    return max(whole, key=lambda t: (sign(direction) * t.values[0], -t.number), default=None)


def point_text(trial: Trial) -> str:
    """A trial's point in a line."""
    return ", ".join(f"{path}: {value_text(value)}" for path, value in trial.point.items())


def value_text(value: Any) -> str:
    """A setting in a sentence: four digits of a number."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(results: Results) -> str:
    """How many trials came to what: "24 trials: 9 complete, 12 pruned, 3 repeats"."""
    found = trials(results)
    return f"{plural(len(found), 'trial')}: {outcomes([t.word for t in found])}"


def search_failure(results: Results) -> str:
    """Why the search has nothing to confirm; "" where a trial is complete or under way."""
    found = [t for t in trials(results) if t.repeats is None] if searched(results) else []
    states = {trial.state for trial in found}
    if not found or states & {"complete", "running"}:
        return ""
    if len(states) > 1:
        return f"no trial is complete ({outcomes([t.word for t in found])})"
    was = {"infeasible": "are infeasible", "pruned": "were pruned"}.get(*states, *states)
    who = "the only trial" if len(found) == 1 else f"all {len(found)} trials"
    first = found[0].message
    return f"{who} {was}" + (f" (the first: {first})" if first and first not in states else "")


def search_heading(results: Results) -> str:
    """The best trial so far; "" where there is no search."""
    best = best_trial(results) if searched(results) else None
    if best is None:
        failure = search_failure(results)
        if failure:
            return f"Nothing to confirm: {failure}"
        return "The search has no complete trial yet" if searched(results) else ""
    name = objectives(results)[0][0]
    counts = counted(results).partition(":")[0]
    value = f"{title(results, name)} {best.values[0]:.4g}"
    return f"Best of {counts}, on validate: {point_text(best)} ({value})"


def search_text(results: Results) -> str:
    """What was tried and sought, how, and within which budget."""
    search = results.facts.search or {}
    wanted = listed(
        [f"{title(results, n)} ({d.removesuffix('e')}ed)" for n, d in objectives(results)]
    )
    budget = listed([f"{most:g} {unit}" for unit, most in search["budget"].items()])
    size = "infinitely many points" if search["size"] is None else f"{search['size']:,} points"
    return (
        f"{counted(results)}. Sought: {wanted}. Sampler {search['sampler']}, pruner "
        f"{search['pruner']}, budget {budget}; a space of {size}."
        + (f" Constraints: {listed(search['constraints'])}." if search["constraints"] else "")
    )
