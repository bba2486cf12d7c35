"""The runs of a plan as a queue: claim, keep and release them.

A claim is one UPDATE … RETURNING. It raises the run's fence, and every later write names the
fence of its lease, so a process that slept through its lease can no longer write. A run whose
owner on this machine has ended is free at once; one of another machine, when its lease expires.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, and_, func, select, update
from sqlalchemy.orm import aliased

from srbench.store.columns import iso
from srbench.store.engine import lock, reading, writing
from srbench.store.run_rows import (
    LEASE_SECONDS,
    MESSAGE_LENGTH,
    end,
    enqueue,
    held_by,
    hold,
    is_free,
    is_latest,
    of_judged,
    of_plan,
)
from srbench.store.tables import Cell, Run, Variant
from srbench.store.values import RETRIED, Lease, LeaseLost, Owner, Reason


@dataclass(frozen=True)
class Queue:
    """Who trains which run of a plan. Each method is one transaction.

    A run has one lease at a time. Whatever takes a lease raises LeaseLost when another process
    has claimed the run since; nothing is written then.
    """

    engine: Engine
    clock: Callable[[], float]

    def claim(self, plan: int, owner: Owner) -> Lease | None:
        """Take the first free run of the plan, in plan order; None where none is free."""
        now = self.clock()
        run = aliased(Run)
        with writing(self.engine) as connection:
            first = (
                select(run.id)
                .join(Variant, Variant.fingerprint == run.fingerprint)
                .join(Cell, and_(Cell.variant_id == Variant.id, Cell.seed == run.seed))
                .where(Variant.plan_id == plan, is_latest(run))
                .where(is_free(run, now, connection))
                .order_by(Cell.position)
                .limit(1)
                .with_for_update(of=run, skip_locked=True)  # PostgreSQL; SQLite has one writer
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
            sharing = (
                select(Variant.name, Variant.role)
                .join(Cell)
                .where(Variant.plan_id == plan, Variant.fingerprint == fingerprint)
                .where(Cell.seed == seed)
                .order_by(Variant.position)
            )
            shared = connection.execute(sharing).all()
        names = tuple(name for name, _ in shared)
        judged = any(role != "candidate" for _, role in shared)
        return Lease(number, fingerprint, seed, attempt, fence, names, steps, judged)

    def heartbeat(self, lease: Lease) -> bool:
        """Prolong the lease; False where it is lost."""
        try:
            with writing(self.engine) as connection:
                hold(connection, lease, self.clock())
        except LeaseLost:
            return False
        return True

    def interrupt(self, lease: Lease, steps: int) -> None:
        """Release the run; the next claim continues from its checkpoint."""
        with writing(self.engine) as connection:
            hold(
                connection, lease, self.clock(), state="interrupted", steps=steps, lease_until=None
            )

    def fail(
        self,
        lease: Lease,
        reason: Reason,
        message: str,
        *,
        steps: int,
        provenance: int | None = None,
    ) -> None:
        """End the run without a result, for a reason."""
        values = {"steps": steps, "provenance_id": provenance, "message": message[:MESSAGE_LENGTH]}
        with writing(self.engine) as connection:
            end(connection, lease, self.clock(), "failed", reason=reason, **values)

    def states(self, plan: int) -> dict[str, int]:
        """State → number of the plan's runs in it, latest attempts only."""
        counted = select(Run.state, func.count()).where(of_plan(plan, Run)).group_by(Run.state)
        with reading(self.engine) as connection:
            return dict(connection.execute(counted.order_by(Run.state)).all())

    def pruned(self, plan: int) -> int:
        """How many runs that need a verdict in this plan were pruned by a search of another."""
        pruned = select(func.count()).where(of_judged(plan, Run), Run.state == "pruned")
        with reading(self.engine) as connection:
            return connection.execute(pruned).scalar_one()

    def claimable(self, plan: int, most: int | None = None) -> int:
        """How many runs of the plan are free now; stops counting at `most`."""
        with reading(self.engine) as connection:
            free = is_free(Run, self.clock(), connection)
            found = select(Run.id).where(free, of_plan(plan, Run)).limit(most).subquery()
            return connection.execute(select(func.count()).select_from(found)).scalar_one()

    def waiting(self, plan: int) -> list[tuple[int, str, int]]:
        """Number, fingerprint and finished steps of every run of the plan that is free now."""
        with reading(self.engine) as connection:
            free = is_free(Run, self.clock(), connection)
            rows = select(Run.id, Run.fingerprint, Run.steps).where(of_plan(plan, Run), free)
            return [(run, of, steps) for run, of, steps in connection.execute(rows)]

    def elsewhere(self, plan: int, owner: Owner) -> dict[str, int]:
        """Which other living processes hold runs of the plan, and how many."""
        who = Run.owner_label, Run.owner_host, Run.owner_pid
        with reading(self.engine) as connection:
            taken = ~is_free(Run, self.clock(), connection)
            held = select(*who, func.count()).where(of_plan(plan, Run), ~held_by(Run, owner))
            rows = connection.execute(held.where(Run.state == "running", taken).group_by(*who))
            return {f"{label} on {host}, process {pid}": n for label, host, pid, n in rows}

    def add_attempts(self, plan: int) -> int:
        """Queue a new attempt at every run of the plan; how many.

        Runs that are queued are new already, so two processes that ask at once add one attempt.
        """
        return self._retry(and_(of_plan(plan, Run), Run.state != "queued"))

    def retry_failed(self, plan: int) -> int:
        """Queue a new attempt at every run that failed, except those that diverged; how many."""
        return self._retry(and_(of_plan(plan, Run), Run.reason.in_(RETRIED)))

    def _retry(self, chosen: ColumnElement[bool]) -> int:
        runs = select(Run.fingerprint, Run.seed, Run.attempt + 1).where(chosen).order_by(Run.id)
        with writing(self.engine) as connection:
            lock(connection)
            new = [(fingerprint, seed, n) for fingerprint, seed, n in connection.execute(runs)]
            enqueue(connection, new, self.clock())
        return len(new)
