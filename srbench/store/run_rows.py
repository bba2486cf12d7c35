"""Rows of `runs`: conditions that select them, the lease that guards them, and how they are queued.

A run is known by fingerprint, seed and attempt. The latest attempt is the run of all cells of all
plans with that fingerprint and seed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, or_, select, update
from sqlalchemy.orm import aliased

from srbench.store.columns import iso
from srbench.store.owners import is_at_work, is_gone
from srbench.store.table_base import put, table_of
from srbench.store.tables import Cell, Run, Variant
from srbench.store.values import Lease, LeaseLost, Owner

LEASE_SECONDS = 120.0
MESSAGE_LENGTH = 4000


def is_latest(run: type[Run]) -> ColumnElement[bool]:
    """Whether the run has the highest attempt of its fingerprint and seed."""
    later = aliased(Run)
    return ~exists().where(
        later.fingerprint == run.fingerprint,
        later.seed == run.seed,
        later.attempt > run.attempt,
    )


def of_plan(plan: int, run: type[Run]) -> ColumnElement[bool]:
    """Whether a run is the latest attempt at a cell of the plan."""
    return and_(_has_cell(plan, run, aliased(Variant)), is_latest(run))


def of_judged(plan: int, run: type[Run]) -> ColumnElement[bool]:
    """As `of_plan`, without the candidates of a search, which get no verdict."""
    variant = aliased(Variant)
    return and_(_has_cell(plan, run, variant, variant.role != "candidate"), is_latest(run))


def _has_cell(
    plan: int, run: type[Run], variant: type[Variant], *further: ColumnElement[bool]
) -> ColumnElement[bool]:
    cell = aliased(Cell)
    # `+ 0` keeps SQLite off the index of plan_id: a plan has many variants, a fingerprint few
    return (
        exists()
        .where(variant.fingerprint == run.fingerprint, variant.plan_id + 0 == plan)
        .where(cell.variant_id == variant.id, cell.seed == run.seed)
        .where(*further)
    )


def held_by(run: type[Run], owner: Owner) -> ColumnElement[bool]:
    """Whether this process claimed the run last."""
    return and_(
        run.owner_host == owner.host,
        run.owner_boot == owner.boot,
        run.owner_pid == owner.pid,
        run.owner_started == owner.started,
    )


def gone_owners(connection: Connection) -> list[Owner]:
    """The owners of running runs that were processes of this machine and have ended."""
    return [owner for owner in _owners(connection) if is_gone(owner)]


def _owners(connection: Connection) -> list[Owner]:
    columns = (Run.owner_host, Run.owner_boot, Run.owner_pid, Run.owner_started)
    rows = connection.execute(select(*columns).where(Run.state == "running").distinct())
    return [
        Owner(host, boot, pid, started)
        for host, boot, pid, started in rows
        if host is not None and boot is not None and pid is not None and started is not None
    ]


def is_free(run: type[Run], now: float, connection: Connection) -> ColumnElement[bool]:
    """Whether a run can be claimed: queued, interrupted, or abandoned by its owner.

    A lease that has expired does not free the run of a process that works on this machine: both
    slept while the machine did, and its owner is about to prolong the lease.
    """
    owners = _owners(connection)
    gone = [held_by(run, owner) for owner in owners if is_gone(owner)]
    works = [~held_by(run, owner) for owner in owners if is_at_work(owner)]
    abandoned = or_(and_(run.lease_until < now, *works), *gone)
    return or_(run.state.in_(("queued", "interrupted")), and_(run.state == "running", abandoned))


HELD = update(table_of(Run)).where(
    Run.id == bindparam("mine"), Run.fence == bindparam("its_fence"), Run.state == "running"
)
"""A run under a lease; the columns to set are given where it is executed."""


def hold(connection: Connection, lease: Lease, now: float, **values: Any) -> None:
    """Prolong the lease and set columns of its run.

    Raises:
        LeaseLost: another process has claimed the run since, or the run has ended.
    """
    mine = {"mine": lease.run, "its_fence": lease.fence, "lease_until": now + LEASE_SECONDS}
    held = connection.execute(HELD, mine | values)
    if held.rowcount != 1:
        raise LeaseLost(f"the lease on run {lease.run} with fence {lease.fence} is lost")


def end(connection: Connection, lease: Lease, now: float, state: str, **values: Any) -> None:
    """Give up the lease: the run is done, failed or pruned; LeaseLost as for `hold`."""
    hold(connection, lease, now, state=state, lease_until=None, finished_at=iso(now), **values)


def enqueue(connection: Connection, runs: Iterable[tuple[str, int, int]], now: float) -> None:
    """Queue runs, each (fingerprint, seed, attempt); those that exist stay as they are."""
    rows = [
        {"fingerprint": fingerprint, "seed": seed, "attempt": attempt, "queued_at": iso(now)}
        | {"state": "queued", "steps": 0, "fence": 0}
        for fingerprint, seed, attempt in runs
    ]
    put(connection, Run, rows)


def ask_for(connection: Connection, wanted: Iterable[tuple[str, int]], now: float) -> None:
    """Queue the first attempt of each (fingerprint, seed); pruned runs continue."""
    different = dict.fromkeys(wanted)
    enqueue(connection, [(fingerprint, seed, 1) for fingerprint, seed in different], now)
    pruned = select(Run.fingerprint, Run.seed, Run.id).where(Run.state == "pruned")
    again = [run for *asked, run in connection.execute(pruned) if tuple(asked) in different]
    connection.execute(
        update(Run)
        .where(Run.id.in_(again))
        .values(state="interrupted", message=None, finished_at=None)
    )
