"""The run table as a queue: claiming, holding and leaving a run.

A claim is one UPDATE … RETURNING. It raises the run's fence, and every later write says which
fence it was made under: a process that slept through its lease can no longer write. A run
whose owner has died on this machine is free at once; one of another machine, after its lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from srbench.store.columns import iso
from srbench.store.engine import lock, reading, writing
from srbench.store.owners import is_gone
from srbench.store.tables import Cell, Run, Variant
from srbench.store.values import RETRIED, Claim, Fenced, Owner, Reason

LEASE_SECONDS = 120.0
MESSAGE_LENGTH = 4000


def is_latest(run: type[Run]) -> ColumnElement[bool]:
    """Whether no later attempt at the same fingerprint and seed was asked for."""
    later = aliased(Run)
    return ~exists().where(
        later.fingerprint == run.fingerprint,
        later.seed == run.seed,
        later.attempt > run.attempt,
    )


def of_plan(plan: int, run: type[Run]) -> ColumnElement[bool]:
    """Whether a run is the latest attempt at some cell of the plan."""
    return and_(_asked_by(plan, run, aliased(Variant)), is_latest(run))


def of_judged(plan: int, run: type[Run]) -> ColumnElement[bool]:
    """As `of_plan`, without the candidates of a search, which are never judged."""
    variant = aliased(Variant)
    return and_(_asked_by(plan, run, variant, variant.role != "candidate"), is_latest(run))


def _asked_by(
    plan: int, run: type[Run], variant: type[Variant], *further: ColumnElement[bool]
) -> ColumnElement[bool]:
    cell = aliased(Cell)
    return (
        exists()
        .where(variant.fingerprint == run.fingerprint)
        .where(variant.plan_id + 0 == plan)  # keeps SQLite off the index of plan_id: by fingerprint
        .where(cell.variant_id == variant.id, cell.seed == run.seed)  # there are few, by plan many
        .where(*further)
    )


def gone_owners(connection: Connection) -> list[Owner]:
    """The owners of running runs that were processes of this machine and have ended."""
    columns = (Run.owner_host, Run.owner_boot, Run.owner_pid, Run.owner_started)
    rows = connection.execute(select(*columns).where(Run.state == "running").distinct())
    owners = [
        Owner(host, boot, pid, started)
        for host, boot, pid, started in rows
        if host is not None and boot is not None and pid is not None and started is not None
    ]
    return [owner for owner in owners if is_gone(owner)]


def is_free(run: type[Run], now: float, gone: Sequence[Owner]) -> ColumnElement[bool]:
    """Whether a run waits for somebody to train it."""
    abandoned = [
        and_(
            run.owner_host == owner.host,
            run.owner_boot == owner.boot,
            run.owner_pid == owner.pid,
            run.owner_started == owner.started,
        )
        for owner in gone
    ]
    stale = and_(run.state == "running", or_(run.lease_until < now, *abandoned))
    return or_(run.state.in_(("queued", "interrupted")), stale)


def claim(engine: Engine, plan: int, owner: Owner, now: float) -> Claim | None:
    """Take the first free run of the plan, in plan order; None where none is free."""
    run = aliased(Run)
    with writing(engine) as connection:
        first = (
            select(run.id)
            .join(Variant, Variant.fingerprint == run.fingerprint)
            .join(Cell, and_(Cell.variant_id == Variant.id, Cell.seed == run.seed))
            .where(Variant.plan_id == plan, is_latest(run))
            .where(is_free(run, now, gone_owners(connection)))
            .order_by(Cell.position)
            .limit(1)
            .with_for_update(of=run, skip_locked=True)  # PostgreSQL; SQLite has one writer anyway
        )
        taken = connection.execute(
            update(Run)
            .where(Run.id == first.scalar_subquery())
            .values(state="running", fence=Run.fence + 1, lease_until=now + LEASE_SECONDS)
            .values(owner_host=owner.host, owner_boot=owner.boot, owner_pid=owner.pid)
            .values(owner_started=owner.started, owner_label=owner.label)
            .values(started_at=func.coalesce(Run.started_at, iso(now)))
            .returning(Run.id, Run.fingerprint, Run.seed, Run.attempt, Run.fence, Run.steps)
        ).one_or_none()
        if taken is None:
            return None
        number, fingerprint, seed, attempt, fence, steps = taken
        shared = sharing(connection, plan, fingerprint, seed)
    judged = any(role != "candidate" for _, role in shared)
    names = tuple(name for name, _ in shared)
    return Claim(number, fingerprint, seed, attempt, fence, names, steps, judged)


def sharing(
    connection: Connection, plan: int, fingerprint: str, seed: int
) -> list[tuple[str, str]]:
    """Name and role of the plan's variants that one run stands for, in study order."""
    names = (
        select(Variant.name, Variant.role)
        .join(Cell)
        .where(Variant.plan_id == plan, Variant.fingerprint == fingerprint, Cell.seed == seed)
    )
    rows = connection.execute(names.order_by(Variant.position))
    return [(name, role) for name, role in rows]


def hold(connection: Connection, claim: Claim, now: float, **values: Any) -> None:
    """Prove that the claim still stands, prolong its lease, and set columns of its run."""
    held = connection.execute(
        update(Run)
        .where(Run.id == claim.run, Run.fence == claim.epoch, Run.state == "running")
        .values(**{"lease_until": now + LEASE_SECONDS} | values)
    )
    if held.rowcount != 1:
        raise Fenced(f"run {claim.run} is no longer held under epoch {claim.epoch}")


def heartbeat(engine: Engine, claim: Claim, now: float) -> bool:
    """Prolong the lease; False where somebody else has the run."""
    try:
        with writing(engine) as connection:
            hold(connection, claim, now)
    except Fenced:
        return False
    return True


def progress(engine: Engine, claim: Claim, steps: int, now: float) -> None:
    with writing(engine) as connection:
        hold(connection, claim, now, steps=steps)


def fail(
    engine: Engine,
    claim: Claim,
    reason: Reason,
    message: str,
    now: float,
    **values: Any,
) -> None:
    """End the run with a reason; `values` are further columns, such as steps."""
    with writing(engine) as connection:
        hold(
            connection,
            claim,
            now,
            state="failed",
            reason=reason,
            message=message[:MESSAGE_LENGTH],
            lease_until=None,
            finished_at=iso(now),
            **values,
        )


def interrupt(engine: Engine, claim: Claim, steps: int, now: float) -> None:
    """Leave the run for whoever claims it next."""
    with writing(engine) as connection:
        hold(connection, claim, now, state="interrupted", steps=steps, lease_until=None)


def states(engine: Engine, plan: int) -> dict[str, int]:
    """How many runs of the plan are in each state."""
    counted = select(Run.state, func.count()).where(of_plan(plan, Run)).group_by(Run.state)
    with reading(engine) as connection:
        return dict(connection.execute(counted.order_by(Run.state)).all())


def given_up(engine: Engine, plan: int) -> int:
    """How many runs that the plan judges a search has pruned."""
    pruned = select(func.count()).where(of_judged(plan, Run), Run.state == "pruned")
    with reading(engine) as connection:
        return connection.execute(pruned).scalar_one()


def claimable(engine: Engine, plan: int, most: int | None, now: float) -> int:
    """How many runs of the plan could be claimed at this moment; `most` are enough."""
    with reading(engine) as connection:
        free = is_free(Run, now, gone_owners(connection))
        found = select(Run.id).where(free, of_plan(plan, Run)).limit(most).subquery()
        return connection.execute(select(func.count()).select_from(found)).scalar_one()


def waiting(engine: Engine, plan: int, now: float) -> list[tuple[int, str, int]]:
    """Number, fingerprint and finished steps of every run of the plan that could be claimed now."""
    with reading(engine) as connection:
        free = is_free(Run, now, gone_owners(connection))
        rows = select(Run.id, Run.fingerprint, Run.steps).where(of_plan(plan, Run), free)
        return [(run, fingerprint, steps) for run, fingerprint, steps in connection.execute(rows)]


def running_elsewhere(engine: Engine, plan: int, owner: Owner, now: float) -> int:
    """How many runs of the plan another living process holds."""
    mine = and_(
        Run.owner_host == owner.host,
        Run.owner_boot == owner.boot,
        Run.owner_pid == owner.pid,
        Run.owner_started == owner.started,
    )
    with reading(engine) as connection:
        taken = ~is_free(Run, now, gone_owners(connection))
        counted = select(func.count()).select_from(Run).where(of_plan(plan, Run), ~mine)
        return connection.execute(counted.where(Run.state == "running", taken)).scalar_one()


def add_attempts(engine: Engine, plan: int, only: Sequence[str] | None, now: float) -> int:
    """Queue a new attempt at every run of the plan, or of some variants; how many.

    Runs that wait unstarted are fresh already, so that two processes asking at once add one.
    """
    chosen = of_plan(plan, Run)
    if only is not None:
        named = exists().where(Variant.plan_id == plan, Variant.fingerprint == Run.fingerprint)
        chosen = and_(chosen, named.where(Variant.name.in_(list(only))))
    return again(engine, and_(chosen, Run.state != "queued"), now)


def retry_failed(engine: Engine, plan: int, now: float) -> int:
    """Queue a new attempt at every run of the plan that failed by accident; how many."""
    return again(engine, and_(of_plan(plan, Run), Run.reason.in_(RETRIED)), now)


def again(engine: Engine, chosen: ColumnElement[bool], now: float) -> int:
    with writing(engine) as connection:
        lock(connection)
        columns = select(Run.fingerprint, Run.seed, Run.attempt).where(chosen).order_by(Run.id)
        rows = [
            {"fingerprint": fingerprint, "seed": seed, "attempt": attempt + 1}
            | {"state": "queued", "steps": 0, "fence": 0, "queued_at": iso(now)}
            for fingerprint, seed, attempt in connection.execute(columns)
        ]
        if rows:
            connection.execute(insert(Run), rows)
    return len(rows)
