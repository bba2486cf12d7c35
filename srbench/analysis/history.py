"""The trials of a search, reconstructed from the rows of their runs; nothing else is stored.

Sampler, pruner, report and Optuna's mirror all start from here, so a search that was killed goes
on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, nan
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
    repeats: int | None
    ended_at: int | None  # epochs, or seeds, where it was pruned
    message: str
    epochs: float  # trained, over all seeds
    seconds: float
    constraints: Mapping[str, float] = field(default_factory=dict)
    noted: Mapping[str, Any] = field(default_factory=dict)
    variant: str | None = None
    fingerprint: str | None = None
    runs: tuple[TrialRun, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it is complete, and no duplicate."""
        return self.state == "complete" and self.repeats is None

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
        found.append(
            replace(
                found[former], number=row.number, point=row.parameters, noted=row.noted,
                repeats=former, message=f"as trial {former}", epochs=0.0, seconds=0.0, runs=(),
            )
        )  # fmt: skip
    return found


def _tried(row: TrialRow, search: Mapping[str, Any], epochs: int) -> Tried:
    state, values = _state(row, search), tuple(_values(row, search["objectives"]))
    if state == "complete" and not all(map(isfinite, values)):
        state = "pruned"
    return Tried(
        number=row.number,
        point=row.parameters,
        state=state,
        values=values if state == "complete" else (),
        reports=_reports(row, search),
        repeats=None,
        ended_at=row.pruned_at,
        message=row.message or next((f"{r.reason}" for r in row.runs if r.reason), ""),
        epochs=sum(run.steps / run.total_steps * epochs for run in row.runs if run.total_steps),
        seconds=sum(run.seconds for run in row.runs),
        constraints=row.constraints,
        noted=row.noted,
        variant=row.variant,
        fingerprint=row.fingerprint,
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


def _reports(row: TrialRow, search: Mapping[str, Any]) -> Mapping[int, float]:
    metric = search["objectives"][0]
    if len(search["seeds"]) > 1:
        last = enumerate(_last(run, metric) for run in row.runs)
        return {i: x for i, x in last if x is not None}
    return row.runs[0].points.get(metric, {}) if row.runs else {}


def _values(row: TrialRow, objectives: Sequence[str]) -> Iterator[float]:
    """The value of each objective; NaN where it is missing in a run."""
    facts = {"params": row.params or 0, "macs": row.macs, "latency": row.noted.get(LATENCY)}
    for name in objectives:
        ends = [facts[name]] if name in facts else [_last(run, name) for run in row.runs]
        known = [float(x) for x in ends if x is not None]
        yield sum(known) / len(known) if known and len(known) == len(ends) else nan


def _last(run: TrialRun, metric: str) -> float | None:
    """The value after the last step of a run that is done."""
    points = run.points.get(metric, {})
    return points[max(points)] if run.state == "done" and points else None


def outcomes(found: Sequence[Tried]) -> str:
    """How many trials came to what: "9 complete, 12 pruned, 3 repeats"."""
    words = [trial.word for trial in found]
    known = [f"{words.count(state)} {state}" for state in STATES if state in words]
    return ", ".join(known + [plural(n, "repeat") for n in [words.count("repeat")] if n])


def gains(trial: Tried, directions: Sequence[Direction]) -> tuple[float, ...]:
    """The values with signs that make more better."""
    signed = zip(directions, trial.values, strict=False)
    return tuple(x if direction == "maximize" else -x for direction, x in signed)


def front(found: Sequence[Tried], directions: Sequence[Direction]) -> list[Tried]:
    """The complete trials that no other beats in every objective, the best first; no duplicates."""
    whole = _best_first(found, directions)
    every = [gains(t, directions) for t in whole]

    def beaten(own: tuple[float, ...]) -> bool:
        return any(
            other != own and all(a >= b for a, b in zip(other, own, strict=True)) for other in every
        )

    return [t for t, own in zip(whole, every, strict=True) if not beaten(own)]


def ranked(found: Sequence[Tried], directions: Sequence[Direction]) -> list[Tried]:
    """Complete trials, the best first: by value, or with several objectives the Pareto front."""
    return (front if len(directions) > 1 else _best_first)(found, directions)


def _best_first(found: Sequence[Tried], directions: Sequence[Direction]) -> list[Tried]:
    whole = [t for t in found if t.counts]
    return sorted(whole, key=lambda t: ([-gain for gain in gains(t, directions)], t.number))
