"""Trials of a search as the sampler's history: proposals, their runs, their validation points."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, exists, func, select

from srbench.analysis.history import TrialRow, TrialRun
from srbench.store.columns import join_number
from srbench.store.run_rows import held_by, is_free, is_latest
from srbench.store.tables import POINTS, Cell, Curve, Run, Training, Trial, Variant
from srbench.store.values import Owner

VALIDATE = "validate/"


def trial_rows(connection: Connection, plan: int, me: Owner, now: float) -> list[TrialRow]:
    """Every trial of the plan with its runs, in the order of proposals."""
    runs = runs_of(connection, plan, me, now)
    rows = (
        select(Trial.number, Trial.parameters, Trial.constraints, Trial.noted)
        .add_columns(Trial.pruned_at, Trial.message, Variant.name.label("variant"))
        .add_columns(Variant.fingerprint, Training.parameters.label("params"))
        .add_columns(Training.macs_720p.label("macs"))
        .outerjoin(Variant, Variant.id == Trial.variant_id)
        .outerjoin(Training, Training.fingerprint == Variant.fingerprint)
        .where(Trial.plan_id == plan)
        .order_by(Trial.number)
    )
    return [
        TrialRow(**row, runs=tuple(runs.get(row["variant"], ())))
        for row in connection.execute(rows).mappings()
    ]


def runs_of(connection: Connection, plan: int, me: Owner, now: float) -> dict[str, list[TrialRun]]:
    """The runs of each candidate, seeds as they were queued, with their points on `validate`."""
    taken = ~is_free(Run, now, connection)
    away = and_(Run.state == "running", taken, ~held_by(Run, me))
    seconds = func.coalesce(Run.train_seconds, 0.0) + func.coalesce(Run.score_seconds, 0.0)
    cells = (
        select(Variant.name, Run.id, Cell.seed, Run.attempt, Run.state, Run.reason, Run.steps)
        .add_columns(Training.steps, seconds, away)
        .select_from(Cell)
        .join(Variant, Variant.id == Cell.variant_id)
        .join(Training, Training.fingerprint == Variant.fingerprint)
        .join(Run, and_(Run.fingerprint == Variant.fingerprint, Run.seed == Cell.seed))
        .where(Variant.plan_id == plan, Variant.role == "candidate", is_latest(Run))
        .order_by(Cell.position)
    )
    points: dict[int, dict[str, dict[int, float]]] = {}
    for run, name, epoch, value, odd in connection.execute(points_of(plan)):
        of = points.setdefault(run, {}).setdefault(name.removeprefix(VALIDATE), {})
        of[round(epoch)] = join_number(value, odd)
    found: dict[str, list[TrialRun]] = {}
    for name, *known, spent, elsewhere in connection.execute(cells):
        run, seed, attempt, state, reason, steps, total = known
        own = TrialRun(
            run, seed, attempt, state, reason, steps, total, float(spent), bool(elsewhere),
            points.get(run, {}),
        )  # fmt: skip
        found.setdefault(name, []).append(own)
    return found


def points_of(plan: int) -> Any:
    """Every point on `validate` of the plan's candidates."""
    asked = (
        exists()
        .where(Variant.plan_id == plan, Variant.role == "candidate")
        .where(Variant.fingerprint == Run.fingerprint)
        .where(Cell.variant_id == Variant.id, Cell.seed == Run.seed)
    )
    return (
        select(Curve.run_id, Curve.name, POINTS.c.epoch, POINTS.c.value, POINTS.c.not_finite)
        .join(POINTS, POINTS.c.curve_id == Curve.id)
        .join(Run, Run.id == Curve.run_id)
        .where(Curve.name.startswith(VALIDATE), asked, is_latest(Run))
        .order_by(Curve.run_id, Curve.name, POINTS.c.step)
    )
