"""The trials of a search, reconstructed from the rows of their runs; nothing else is stored.

Sampler, pruner, report and Optuna's mirror all start from here, so a search that was killed goes
on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal, get_args

from srbench.core.numbers import plural

Direction = Literal["maximize", "minimize"]
State = Literal["running", "complete", "pruned", "diverged", "infeasible", "failed"]
STATES: tuple[State, ...] = get_args(State)
LATENCY = "latency"  # what is noted with a trial: its time over the baseline's
WAITING = ("queued", "running", "interrupted")


@dataclass(frozen=True)
class TrialRun:
    """One seed of a trial: what became of its run."""

    run: int
    seed: int
    attempt: int
    state: str
    reason: str | None
    steps: int
    total_steps: int
    seconds: float  # of training and scoring, 0 while it is under way
    elsewhere: bool  # a living process other than the asking one holds it
    points: Mapping[str, Mapping[int, float]]  # metric on `validate` -> epoch -> value


@dataclass(frozen=True)
class TrialRow:
    """One trial as it is stored, with its runs."""

    number: int
    parameters: dict[str, Any]
    constraints: dict[str, float]
    noted: dict[str, Any]
    pruned_at: int | None
    message: str | None
    variant: str | None
    fingerprint: str | None
    params: int | None
    macs: float | None
    runs: tuple[TrialRun, ...]


@dataclass(frozen=True)
class Tried:
    """A trial and what became of it.

    A duplicate reuses the result of the trial that it repeats. The sampler learns from a diverged
    trial as from a pruned one; one that failed by accident teaches nothing.
    """

    number: int
    point: Mapping[str, Any]
    state: State
    values: tuple[float, ...]  # one an objective; empty unless complete
    reports: Mapping[int, float]  # epoch, or place of the seed -> the first objective
    constraints: Mapping[str, float]
    noted: Mapping[str, Any]
    repeats: int | None
    variant: str | None
    fingerprint: str | None
    ended_at: int | None  # epochs, or seeds, where it was pruned
    message: str
    epochs: float  # trained, over all seeds
    seconds: float
    runs: tuple[TrialRun, ...]

    @property
    def word(self) -> str:
        """Its state, or that it repeats another."""
        return self.state if self.repeats is None else "repeat"


def tried(rows: Sequence[TrialRow], search: Mapping[str, Any], epochs: int) -> list[Tried]:
    """Every trial, in the order of asking.

    `search` is the plain description of the search, `epochs` are those of a whole run.
    """
    found: list[Tried] = []
    first: dict[str, int] = {}
    for row in rows:
        former = first.setdefault(row.fingerprint, row.number) if row.fingerprint else row.number
        if former == row.number:
            found.append(_tried(row, search, epochs))
            continue
        again = found[former]
        found.append(
            replace(
                again, number=row.number, point=row.parameters, noted=row.noted, repeats=former,
                message=f"as trial {former}", epochs=0.0, seconds=0.0, runs=(),
            )
        )  # fmt: skip
    return found


def _tried(row: TrialRow, search: Mapping[str, Any], epochs: int) -> Tried:
    metric = search["objectives"][0]
    many = len(search["seeds"]) > 1
    reports: Mapping[int, float] = {}
    if many:
        last = [_last(run, metric) for run in row.runs]
        reports = {i: x for i, x in enumerate(last) if x is not None}
    elif row.runs:
        reports = row.runs[0].points.get(metric, {})
    values: tuple[float, ...] = ()
    state = _state(row, search)
    if state == "complete":
        values = _values(row, search["objectives"])
        if not all(map(isfinite, values)):
            state, values = "pruned", ()
    return Tried(
        number=row.number,
        point=row.parameters,
        state=state,
        values=values,
        reports=reports,
        constraints=row.constraints,
        noted=row.noted,
        repeats=None,
        variant=row.variant,
        fingerprint=row.fingerprint,
        ended_at=row.pruned_at,
        message=row.message or next((f"{r.reason}" for r in row.runs if r.reason), ""),
        epochs=sum(run.steps / run.total_steps * epochs for run in row.runs if run.total_steps),
        seconds=sum(run.seconds for run in row.runs),
        runs=row.runs,
    )


def _state(row: TrialRow, search: Mapping[str, Any]) -> State:
    if row.fingerprint is None:
        return "infeasible" if any(x > 0 for x in row.constraints.values()) else "failed"
    if row.pruned_at is not None:
        return "pruned"
    if any(run.reason == "diverged" for run in row.runs):
        return "diverged"
    if any(run.state == "failed" for run in row.runs):
        return "failed"
    whole = len(row.runs) >= len(search["seeds"])
    return "complete" if whole and all(run.state == "done" for run in row.runs) else "running"


def _values(row: TrialRow, objectives: Sequence[str]) -> tuple[float, ...]:
    found = []
    for name in objectives:
        if name == "params":
            found.append(float(row.params or 0))
        elif name == "macs":
            found.append(float("nan") if row.macs is None else row.macs)
        elif name == "latency":
            found.append(float(row.noted.get(LATENCY, "nan")))
        else:
            ends = [_last(run, name) for run in row.runs]
            known = [x for x in ends if x is not None]
            found.append(sum(known) / len(known) if len(known) == len(ends) else float("nan"))
    return tuple(found)


def _last(run: TrialRun, metric: str) -> float | None:
    """The value after the last step of a run that is done."""
    points = run.points.get(metric, {})
    return points[max(points)] if run.state == "done" and points else None


def outcomes(words: Sequence[str]) -> str:
    """How many trials came to what: "9 complete, 12 pruned, 3 repeats"."""
    known = [f"{words.count(state)} {state}" for state in STATES if state in words]
    return ", ".join(known + [plural(n, "repeat") for n in [words.count("repeat")] if n])


def sign(direction: Direction) -> int:
    """What to multiply a value by so that more is better."""
    return 1 if direction == "maximize" else -1


def front(found: Sequence[Tried], directions: Sequence[Direction]) -> list[Tried]:
    """The complete trials that no other beats in every objective, the best first; no repeats."""
    whole = [t for t in found if t.state == "complete" and t.repeats is None]
    signs = [sign(d) for d in directions]

    def gains(trial: Tried) -> tuple[float, ...]:
        return tuple(s * x for s, x in zip(signs, trial.values, strict=True))

    def beaten(trial: Tried) -> bool:
        own = gains(trial)
        return any(
            gains(other) != own and all(a >= b for a, b in zip(gains(other), own, strict=True))
            for other in whole
        )

    kept = [trial for trial in whole if not beaten(trial)]
    return sorted(kept, key=lambda t: (tuple(-g for g in gains(t)), t.number))


def ranked(found: Sequence[Tried], directions: Sequence[Direction]) -> list[Tried]:
    """Complete trials, the best first: by value, or with several objectives the Pareto front."""
    if len(directions) > 1:
        return front(found, directions)
    whole = [t for t in found if t.state == "complete" and t.repeats is None]
    return sorted(whole, key=lambda t: (-sign(directions[0]) * t.values[0], t.number))
