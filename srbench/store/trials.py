"""Trials of a search: proposals in order, and the candidates that train them.

A search grows its plan. A trial is stored under the number that its proposer expected, so of two
that propose at once one proposes again; its runs wait in the queue like all others. Read back,
trials are the sampler's history: proposals, their runs, their points on `validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, and_, exists, func, insert, select, update

from srbench.analysis.history import TrialRow, TrialRun
from srbench.analysis.metric_names import VALIDATE
from srbench.store.columns import iso, join_number
from srbench.store.engine import lock, reading, writing
from srbench.store.plans import add_cells, add_variants, put_trainings
from srbench.store.run_rows import MESSAGE_LENGTH, end, held_by, is_free, is_latest
from srbench.store.tables import POINTS, Cell, Curve, Plan, Run, Training, Trial, Variant
from srbench.store.values import Lease, Owner, Proposal, VariantRecord


@dataclass(frozen=True)
class Trials:
    """The trials of a plan's search. Each method is one transaction."""

    engine: Engine
    clock: Callable[[], float]

    def read(self, plan: int, me: Owner) -> list[TrialRow]:
        """The trials of a plan's search with their runs, in the order of proposals."""
        with reading(self.engine) as connection:
            return trial_rows(connection, plan, me, self.clock())

    def add(self, plan: int, number: int, proposal: Proposal) -> bool:
        """Store a trial under the number it expects; False where that number is taken."""
        now = self.clock()
        with writing(self.engine) as connection:
            lock(connection)
            counted = select(func.count()).where(Trial.plan_id == plan)
            if connection.execute(counted).scalar_one() != number:
                return False
            variant = None
            if proposal.candidate is not None:
                put_trainings(connection, [proposal.candidate.training], now)
                variant = _candidate(connection, plan, proposal.candidate.variant, now)
            connection.execute(
                insert(Trial)
                .values(plan_id=plan, number=number, variant_id=variant)
                .values(parameters=proposal.parameters, constraints=proposal.constraints)
                .values(noted=proposal.noted, pruned_at=proposal.pruned_at)
                .values(message=proposal.message, proposed_at=iso(now))
            )
        return True

    def add_seed(self, plan: int, variant: str, seed: int) -> None:
        """Give a candidate one more seed."""
        with writing(self.engine) as connection:
            lock(connection)
            chosen = select(Variant.id, Variant.fingerprint)
            chosen = chosen.where(Variant.plan_id == plan, Variant.name == variant)
            number, fingerprint = connection.execute(chosen).one()
            add_cells(connection, plan, [(number, fingerprint, seed)], self.clock())

    def note(self, plan: int, number: int, noted: dict[str, Any]) -> None:
        """Store what sampler and pruner note with a trial."""
        chosen = and_(Trial.plan_id == plan, Trial.number == number)
        with writing(self.engine) as connection:
            connection.execute(update(Trial).where(chosen).values(noted=noted))

    def give_up(self, plan: int, number: int, at: int, message: str) -> None:
        """End a trial after `at` seeds; its runs stay as they are."""
        chosen = and_(Trial.plan_id == plan, Trial.number == number, Trial.pruned_at.is_(None))
        with writing(self.engine) as connection:
            connection.execute(update(Trial).where(chosen).values(pruned_at=at, message=message))

    def prune(
        self, plan: int, lease: Lease, at: int, message: str, *, steps: int, seconds: float
    ) -> None:
        """End a run and its trial after `at` epochs; LeaseLost where the lease is lost."""
        own = exists().where(
            Variant.id == Trial.variant_id, Variant.fingerprint == lease.fingerprint
        )
        values = {"message": message[:MESSAGE_LENGTH], "steps": steps, "train_seconds": seconds}
        with writing(self.engine) as connection:
            end(connection, lease, self.clock(), "pruned", **values)
            connection.execute(
                update(Trial)
                .where(Trial.plan_id == plan, Trial.pruned_at.is_(None), own)
                .values(pruned_at=at, message=values["message"])
            )

    def unconfirmed(self, plan: int) -> bool:
        """Whether the plan has a search whose best are not yet queued on fresh seeds."""
        best = exists().where(Variant.plan_id == plan, Variant.name == "best_1")
        with reading(self.engine) as connection:
            facts = connection.execute(select(Plan.facts).where(Plan.id == plan)).scalar_one()
            return bool(facts.get("search")) and not connection.execute(select(best)).scalar_one()

    def former_plan(self, plan: int) -> int | None:
        """The study's latest other plan that has trials; None where there is none."""
        study = select(Plan.study_id).where(Plan.id == plan).scalar_subquery()
        has = exists().where(Trial.plan_id == Plan.id)
        others = select(Plan.id).where(Plan.study_id == study, Plan.id != plan, has)
        with reading(self.engine) as connection:
            newest = connection.execute(others.order_by(Plan.turn.desc()).limit(1))
            return newest.scalar_one_or_none()


def _candidate(connection: Connection, plan: int, record: VariantRecord, now: float) -> int:
    """The plan's candidate with this fingerprint, added where it is new; its number."""
    known = select(Variant.id).where(
        Variant.plan_id == plan,
        Variant.role == "candidate",
        Variant.fingerprint == record.fingerprint,
    )
    number = connection.execute(known).scalar_one_or_none()
    if number is None:
        add_variants(connection, plan, [record], now)
        number = connection.execute(known).scalar_one()
    return int(number)


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
