"""Trials of a search: proposals in the order of asking, and the candidates that train them.

A search grows its plan. Each trial is stored under the number that its asker expected it to get,
so that of two who ask at once one asks again; its runs wait in the queue like all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, and_, exists, func, insert, select, update

from srbench.analysis.history import TrialRow, TrialRun
from srbench.store.columns import iso, join_number
from srbench.store.engine import lock, reading, writing
from srbench.store.plans import COSTS, in_order
from srbench.store.queue import MESSAGE_LENGTH, gone_owners, hold, is_free, is_latest
from srbench.store.tables import Cell, Curve, Plan, Point, Run, Training, Trial, Variant
from srbench.store.upsert import put
from srbench.store.values import Claim, Owner, Proposal, VariantRecord

VALIDATE = "validate/"


def add(engine: Engine, plan: int, number: int, proposal: Proposal, now: float) -> bool:
    """Store a trial as the plan's number `number`; False where that number is taken by now."""
    with writing(engine) as connection:
        lock(connection)
        counted = select(func.count()).where(Trial.plan_id == plan)
        if connection.execute(counted).scalar_one() != number:
            return False
        variant = None
        if proposal.candidate is not None:
            training = asdict(proposal.candidate.training) | {"added_at": iso(now)}
            put(connection, Training, [training], unique=["fingerprint"], replace=COSTS)
            variant = candidate(connection, plan, proposal.candidate.variant, now)
        connection.execute(
            insert(Trial)
            .values(plan_id=plan, number=number, variant_id=variant)
            .values(parameters=proposal.parameters, constraints=proposal.constraints)
            .values(noted=proposal.noted, pruned_at=proposal.pruned_at)
            .values(message=proposal.message, proposed_at=iso(now))
        )
    return True


def candidate(connection: Connection, plan: int, record: VariantRecord, now: float) -> int:
    """The plan's candidate with this fingerprint, made where it is new; its number."""
    known = select(Variant.id).where(
        Variant.plan_id == plan,
        Variant.role == "candidate",
        Variant.fingerprint == record.fingerprint,
    )
    number = connection.execute(known).scalar_one_or_none()
    if number is None:
        grow(connection, plan, [record], now)
        number = connection.execute(known).scalar_one()
    return int(number)


def grow(connection: Connection, plan: int, records: Sequence[VariantRecord], now: float) -> None:
    """Add variants behind those that the plan has, and queue their runs."""
    places = select(func.max(Variant.position)).where(Variant.plan_id == plan)
    first = (connection.execute(places).scalar_one() or 0) + 1
    rows = [
        {"plan_id": plan, "position": first + i, "name": v.name, "role": v.role}
        | {"change": v.change, "fingerprint": v.fingerprint}
        for i, v in enumerate(records)
    ]
    connection.execute(insert(Variant), rows)
    named = select(Variant.name, Variant.id).where(Variant.plan_id == plan)
    numbers = dict(connection.execute(named).all())
    wanted = [(numbers[v.name], v.fingerprint, seed) for v, seed in in_order(records)]
    queue(connection, plan, wanted, now)


def queue(
    connection: Connection, plan: int, wanted: Sequence[tuple[int, str, int]], now: float
) -> None:
    """Cells and runs for (variant, fingerprint, seed); a run that was pruned goes on."""
    cells = select(func.max(Cell.position)).join(Variant).where(Variant.plan_id == plan)
    last = connection.execute(cells).scalar_one()
    place = 0 if last is None else last + 1
    rows = [
        {"variant_id": variant, "seed": seed, "position": place + i}
        for i, (variant, _, seed) in enumerate(wanted)
    ]
    put(connection, Cell, rows, unique=["variant_id", "seed"])
    runs = [
        {"fingerprint": fingerprint, "seed": seed, "attempt": 1, "queued_at": iso(now)}
        | {"state": "queued", "steps": 0, "fence": 0}
        for _, fingerprint, seed in wanted
    ]
    put(connection, Run, runs, unique=["fingerprint", "seed", "attempt"])
    for _, fingerprint, seed in wanted:
        connection.execute(
            update(Run)
            .where(Run.fingerprint == fingerprint, Run.seed == seed, Run.state == "pruned")
            .values(state="interrupted", message=None, finished_at=None)
        )


def add_seed(engine: Engine, plan: int, variant: str, seed: int, now: float) -> None:
    """Give a candidate one more seed."""
    with writing(engine) as connection:
        lock(connection)
        chosen = select(Variant.id, Variant.fingerprint)
        chosen = chosen.where(Variant.plan_id == plan, Variant.name == variant)
        number, fingerprint = connection.execute(chosen).one()
        queue(connection, plan, [(number, fingerprint, seed)], now)


def add_variants(engine: Engine, plan: int, records: Sequence[VariantRecord], now: float) -> int:
    """Add variants that a plan lacks, by name, and queue their runs; how many were new."""
    with writing(engine) as connection:
        lock(connection)
        known = select(Variant.name).where(Variant.plan_id == plan)
        there = set(connection.execute(known).scalars())
        new = [record for record in records if record.name not in there]
        if new:
            grow(connection, plan, new, now)
    return len(new)


def note(engine: Engine, plan: int, number: int, noted: dict[str, Any]) -> None:
    """Keep what sampler and pruner keep with a trial."""
    with writing(engine) as connection:
        chosen = and_(Trial.plan_id == plan, Trial.number == number)
        connection.execute(update(Trial).where(chosen).values(noted=noted))


def give_up(engine: Engine, plan: int, number: int, at: int, message: str) -> None:
    """A trial ends before all its seeds; its runs stay what they are."""
    with writing(engine) as connection:
        chosen = and_(Trial.plan_id == plan, Trial.number == number, Trial.pruned_at.is_(None))
        connection.execute(update(Trial).where(chosen).values(pruned_at=at, message=message))


def prune(
    engine: Engine, plan: int, claim: Claim, at: int, message: str, now: float, **values: Any
) -> None:
    """A run ends before its last epoch, and its trials with it; `values` are further columns."""
    own = exists().where(Variant.id == Trial.variant_id, Variant.fingerprint == claim.fingerprint)
    said = message[:MESSAGE_LENGTH]
    with writing(engine) as connection:
        hold(
            connection, claim, now, state="pruned", message=said, lease_until=None,
            finished_at=iso(now), **values,
        )  # fmt: skip
        connection.execute(
            update(Trial)
            .where(Trial.plan_id == plan, Trial.pruned_at.is_(None), own)
            .values(pruned_at=at, message=said)
        )


def trials(engine: Engine, plan: int, me: Owner, now: float) -> list[TrialRow]:
    """Every trial of the plan with its runs, in the order of asking."""
    with reading(engine) as connection:
        return rows_of(connection, plan, me, now)


def rows_of(connection: Connection, plan: int, me: Owner, now: float) -> list[TrialRow]:
    """The same inside a transaction."""
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
    mine = and_(
        Run.owner_host == me.host, Run.owner_boot == me.boot,
        Run.owner_pid == me.pid, Run.owner_started == me.started,
    )  # fmt: skip
    away = and_(Run.state == "running", ~is_free(Run, now, gone_owners(connection)), ~mine)
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
        select(Curve.run_id, Curve.name, Point.epoch, Point.value, Point.not_finite)
        .join(Point, Point.curve_id == Curve.id)
        .join(Run, Run.id == Curve.run_id)
        .where(Curve.name.startswith(VALIDATE), asked, is_latest(Run))
        .order_by(Curve.run_id, Curve.name, Point.step)
    )


def unconfirmed(engine: Engine, plan: int) -> bool:
    """Whether a plan has a search whose best were not yet queued on fresh seeds."""
    with reading(engine) as connection:
        facts = connection.execute(select(Plan.facts).where(Plan.id == plan)).scalar_one()
        best = exists().where(Variant.plan_id == plan, Variant.name == "best_1")
        return bool(facts.get("search")) and not connection.execute(select(best)).scalar_one()


def former_plan(engine: Engine, plan: int) -> int | None:
    """The study's plan before this one that has trials; None where there is none."""
    with reading(engine) as connection:
        study = select(Plan.study_id).where(Plan.id == plan).scalar_subquery()
        has = exists().where(Trial.plan_id == Plan.id)
        before = select(Plan.id).where(Plan.study_id == study, Plan.id != plan, has)
        newest = before.order_by(Plan.turn.desc()).limit(1)
        return connection.execute(newest).scalar_one_or_none()
