"""What a search tried and what came of it, read on `validate`; no verdict rests on it."""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import accumulate
from typing import Any

from srbench.analysis.history import Direction, Tried, front, outcomes, ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, of_variants, text
from srbench.analysis.space import Dimension, Space
from srbench.core.numbers import listed, plural

TITLES = {"params": "parameters", "macs": "MACs at HR 1280x720",
          "latency": "latency over the baseline's"}  # fmt: skip


def searched(results: Results) -> bool:
    """Whether the study searches, and has tried something."""
    return results.facts.search is not None and len(results.trials) > 0


@lru_cache(maxsize=8)
def trials(results: Results) -> tuple[Tried, ...]:
    """Every trial, in the order of asking, without its runs; its reports ascend."""
    reports: dict[int, dict[int, float]] = {}
    for row in results.reports.to_dict("records"):
        reports.setdefault(int(row["number"]), {})[int(row["at"])] = number(row["value"])
    return tuple(
        Tried(
            number=int(row["number"]),
            point=json.loads(row["point"]),
            state=row["state"],
            values=tuple(json.loads(row["values"])),
            reports=reports.get(int(row["number"]), {}),
            repeats=_maybe(row["repeats"]),
            ended_at=_maybe(row["ended_at"]),
            message=text(row["message"]),
            epochs=number(row["epochs"]),
            seconds=number(row["seconds"]),
        )
        for row in results.trials.to_dict("records")
    )


def _maybe(value: Any) -> int | None:
    return None if number(value) != number(value) else int(value)


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
    whole = [t for t in trials(results) if t.state == "complete"]
    best = max if objectives(results)[0][1] == "maximize" else min
    values = accumulate((t.values[0] for t in whole), best)
    return [(t.number, value) for t, value in zip(whole, values, strict=True)]


def on_front(results: Results) -> frozenset[int]:
    """Numbers of the complete trials that no other beats in every objective."""
    return frozenset(t.number for t in front(trials(results), _directions(results)))


def best_trial(results: Results) -> Tried | None:
    """The complete trial that is best in the first objective."""
    return next(iter(ranked(trials(results), _directions(results)[:1])), None)


def _directions(results: Results) -> list[Direction]:
    return [direction for _, direction in objectives(results)]


def point_text(trial: Tried) -> str:
    """A trial's point in a line."""
    return ", ".join(f"{path}: {value_text(value)}" for path, value in trial.point.items())


def value_text(value: Any) -> str:
    """A setting in a sentence: four digits of a number."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(results: Results) -> str:
    """How many trials came to what: "24 trials: 9 complete, 12 pruned, 3 repeats"."""
    found = trials(results)
    return f"{plural(len(found), 'trial')}: {outcomes(found)}"


def search_failure(results: Results) -> str:
    """Why the search has nothing to confirm; "" where a trial is complete or under way."""
    found = [t for t in trials(results) if t.repeats is None] if searched(results) else []
    states = {trial.state for trial in found}
    if not found or states & {"complete", "running"}:
        return ""
    if len(states) > 1:
        return f"no trial is complete ({outcomes(found)})"
    was = {"infeasible": "are infeasible", "pruned": "were pruned"}.get(*states, *states)
    who = "the only trial" if len(found) == 1 else f"all {len(found)} trials"
    first = found[0].message
    return f"{who} {was}" + (f" (the first: {first})" if first and first not in states else "")


def search_heading(results: Results) -> str:
    """The best trial so far; "" where there is no search."""
    if not searched(results):
        return ""
    best = best_trial(results)
    if best is None:
        failure = search_failure(results)
        return (
            f"Nothing to confirm: {failure}" if failure else "The search has no complete trial yet"
        )
    value = f"{title(results, objectives(results)[0][0])} {best.values[0]:.4g}"
    count = plural(len(trials(results)), "trial")
    return f"Best of {count}, on validate: {point_text(best)} ({value})"


def confirmed_names(count: int) -> tuple[str, ...]:
    """The names of the candidates that are trained again, the best first."""
    return tuple(f"best_{n}" for n in range(1, count + 1))


def confirmed(results: Results) -> list[str]:
    """The variants that confirm a search: best_1 and so on."""
    there = of_variants(results, "change")
    most = (results.facts.search or {}).get("confirm", 0)
    return [name for name in confirmed_names(most) if name in there]


def confirmed_text(results: Results) -> str:
    """What best_1 and so on are, with their settings; "" where nothing is confirmed."""
    names, changes = confirmed(results), of_variants(results, "change")
    if not names:
        return ""
    which = listed([f"{name} ({text(changes[name])})" for name in names])
    of = "is the candidate that was" if len(names) == 1 else "are the candidates that were"
    return f"{which} {of} best on validate in the search, trained again on fresh seeds."


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
