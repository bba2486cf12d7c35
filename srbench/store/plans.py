"""Plans: store what a study asks for, and find it again.

Planning the same thing twice changes nothing but which plan is the study's latest. Runs are known
by what they train, so a plan reuses what another study has trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, exists, func, select, update
from sqlalchemy.orm import aliased

from srbench.core.errors import DatabaseError, did_you_mean
from srbench.store.engine import lock, reading, writing
from srbench.store.plan_rows import (
    add_cells,
    add_variants,
    in_order,
    new_plan,
    next_turn,
    put_trainings,
    study_number,
)
from srbench.store.run_rows import ask_for
from srbench.store.tables import Cell, Image, Plan, PlanDataset, Study, Training, Variant
from srbench.store.values import PlanRecord, VariantRecord


@dataclass(frozen=True)
class Plans:
    """What studies ask for. Each method is one transaction."""

    engine: Engine
    clock: Callable[[], float]

    def add(self, plan: PlanRecord) -> int:
        """Store the plan, queue the runs that are new, make it the study's latest; its number.

        Storing a plan with the same digest again updates its facts and adds nothing.
        """
        plan.check()
        now = self.clock()
        with writing(self.engine) as connection:
            lock(connection)
            study = study_number(connection, str(plan.facts["name"]), now)
            put_trainings(connection, plan.trainings, now)
            known = select(Plan.id).where(Plan.study_id == study, Plan.digest == plan.digest)
            number = connection.execute(known).scalar_one_or_none()
            if number is None:
                return new_plan(connection, study, plan, now)
            connection.execute(
                update(Plan)
                .where(Plan.id == number)
                .values(turn=next_turn(connection), shortcut=plan.key)
                .values(facts=plan.facts, question=plan.question)
            )
            ask_for(connection, [(v.fingerprint, seed) for v, seed in in_order(plan.variants)], now)
        return number

    def find(self, key: str) -> int | None:
        """The newest plan with this shortcut key; None where there is none."""
        newest = select(Plan.id).where(Plan.shortcut == key).order_by(Plan.turn.desc()).limit(1)
        with reading(self.engine) as connection:
            return connection.execute(newest).scalar_one_or_none()

    def stored(self, study: str, digest: str) -> int | None:
        """The plan of a study with this digest; None where there is none."""
        found = select(Plan.id).join(Study).where(Study.name == study, Plan.digest == digest)
        with reading(self.engine) as connection:
            return connection.execute(found).scalar_one_or_none()

    def latest(self, study: str) -> int:
        """The study's latest plan; DatabaseError where the study is unknown."""
        with reading(self.engine) as connection:
            return latest_plan(connection, study)

    def latest_file(self, study: str) -> tuple[str, set[str]] | None:
        """File and manifests of images of the latest plan; None for a new study.

        The path is relative to `Store.root`.
        """
        newest = select(Plan.id, Plan.facts).join(Study).where(Study.name == study)
        newest = newest.order_by(Plan.turn.desc()).limit(1)
        with reading(self.engine) as connection:
            row = connection.execute(newest).one_or_none()
            if row is None:
                return None
            images = select(PlanDataset.manifest).where(PlanDataset.plan_id == row.id)
            manifests = set(connection.execute(images).scalars())
        return row.facts.get("file", ""), manifests

    def latest_images(self, study: str, scale: int) -> dict[tuple[str, str], tuple[str, int]]:
        """(role, name) -> manifest and number of images, in the study's latest plan.

        Empty for a new study, or if that plan is at another scale.
        """
        newest = select(Plan.id).join(Study).where(Study.name == study)
        newest = newest.order_by(Plan.turn.desc()).limit(1)
        is_alike = exists().where(
            Variant.plan_id == PlanDataset.plan_id,
            Variant.fingerprint == Training.fingerprint,
            Training.scale == scale,
        )
        sets = (
            select(PlanDataset.role, PlanDataset.name, PlanDataset.manifest, func.count(Image.id))
            .join(Image, Image.manifest == PlanDataset.manifest)
            .where(PlanDataset.plan_id == newest.scalar_subquery(), is_alike)
            .group_by(PlanDataset.role, PlanDataset.name, PlanDataset.manifest)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(sets).all()
        return {(role, name): (manifest, count) for role, name, manifest, count in rows}

    def make_latest(self, plan: int) -> None:
        """Make an older plan the study's latest."""
        other = aliased(Plan)
        newer = exists().where(other.study_id == Plan.study_id, other.turn > Plan.turn)
        with writing(self.engine) as connection:
            lock(connection)
            turn = next_turn(connection)
            connection.execute(update(Plan).where(Plan.id == plan, newer).values(turn=turn))

    def planned_looks(self, plan: int) -> tuple[int, ...]:
        """The numbers of seeds at which a plan looks; empty where their number is fixed."""
        with reading(self.engine) as connection:
            facts = connection.execute(select(Plan.facts).where(Plan.id == plan)).scalar_one()
        return tuple(facts.get("looks", ()))

    def add_seeds(self, plan: int, wanted: Mapping[str, int]) -> int:
        """Give each variant the seeds from 0 up to its number; how many cells are new."""
        named = select(Variant.name, Variant.id, Variant.fingerprint).where(Variant.plan_id == plan)
        asked = select(Cell.variant_id, Cell.seed).join(Variant).where(Variant.plan_id == plan)
        with writing(self.engine) as connection:
            lock(connection)
            known = {name: (number, of) for name, number, of in connection.execute(named)}
            there = {(variant, seed) for variant, seed in connection.execute(asked)}
            new = [
                (*known[name], seed)
                for seed in range(max(wanted.values(), default=0))
                for name, count in wanted.items()
                if seed < count and (known[name][0], seed) not in there
            ]
            add_cells(connection, plan, new, self.clock())
        return len(new)

    def add_variants(self, plan: int, records: Sequence[VariantRecord]) -> int:
        """Add the variants that the plan lacks by name, and queue their runs; how many."""
        with writing(self.engine) as connection:
            lock(connection)
            known = select(Variant.name).where(Variant.plan_id == plan)
            there = set(connection.execute(known).scalars())
            new = [record for record in records if record.name not in there]
            if new:
                add_variants(connection, plan, new, self.clock())
        return len(new)


def latest_plan(connection: Connection, study: str) -> int:
    """The study's latest plan; DatabaseError where the study is unknown."""
    newest = select(Plan.id).join(Study).where(Study.name == study).order_by(Plan.turn.desc())
    plan = connection.execute(newest.limit(1)).scalar_one_or_none()
    if plan is not None:
        return plan
    planned = select(Study.name).join(Plan).distinct().order_by(Study.name)
    raise unknown_study(study, [str(name) for name in connection.execute(planned).scalars()])


def unknown_study(study: str, names: Sequence[str]) -> DatabaseError:
    """The error for a study that the database does not know, with the names that it knows."""
    if not names:
        return DatabaseError(f"study {study!r} is unknown: the database holds no studies yet")
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    hint = did_you_mean(study, names)
    return DatabaseError(f"study {study!r} is not in the database{hint} (known: {shown})")
