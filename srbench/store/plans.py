"""Plans: store what a study asks for, and find it again.

Planning the same thing twice changes nothing but which plan is the study's latest. Runs are known
by what they train, so a plan reuses what another study has trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from srbench.core.errors import DatabaseError, did_you_mean
from srbench.store.columns import iso
from srbench.store.engine import lock, reading, writing
from srbench.store.run_rows import ask_for
from srbench.store.table_base import put
from srbench.store.tables import Cell, Dataset, Image, Plan, PlanDataset, Study, Training, Variant
from srbench.store.values import DatasetRecord, PlanRecord, VariantRecord

COSTS = (
    "parameters", "frozen", "dead", "dead_modules", "macs_720p", "macs_256", "activations",
    "receptive_field", "uncounted",
)  # fmt: skip


@dataclass(frozen=True)
class StudyBefore:
    """The file of a study's latest plan, relative to `Store.root`, its scale and its images."""

    file: str
    scale: int
    images: dict[tuple[str, str], tuple[str, int]]  # (role, name) -> manifest, number of images


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

    def before(self, study: str) -> StudyBefore | None:
        """What the latest plan of a study was made of; None for a new study."""
        sets = (
            select(PlanDataset.role, PlanDataset.name, PlanDataset.manifest, func.count(Image.id))
            .join(Image, Image.manifest == PlanDataset.manifest)
            .group_by(PlanDataset.role, PlanDataset.name, PlanDataset.manifest)
        )
        with reading(self.engine) as connection:
            plan = connection.execute(newest_plan(study, Plan.id, Plan.facts)).one_or_none()
            if plan is None:
                return None
            rows = connection.execute(sets.where(PlanDataset.plan_id == plan.id)).all()
            images = {(role, name): (manifest, count) for role, name, manifest, count in rows}
            return StudyBefore(plan.facts.get("file", ""), plan.facts["scale"], images)

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


def newest_plan(study: str, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Columns of the study's latest plan."""
    of = select(*columns).join(Study).where(Study.name == study)
    return of.order_by(Plan.turn.desc()).limit(1)


def latest_plan(connection: Connection, study: str) -> int:
    """The study's latest plan; DatabaseError where the study is unknown."""
    plan = connection.execute(newest_plan(study, Plan.id)).scalar_one_or_none()
    if plan is not None:
        return int(plan)
    planned = select(Study.name).join(Plan).distinct().order_by(Study.name)
    raise unknown_study(study, [str(name) for name in connection.execute(planned).scalars()])


def unknown_study(study: str, names: Sequence[str]) -> DatabaseError:
    """The error for a study that the database does not know, with the names that it knows."""
    if not names:
        return DatabaseError(f"study {study!r} is unknown: the database holds no studies yet")
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    hint = did_you_mean(study, names)
    return DatabaseError(f"study {study!r} is not in the database{hint} (known: {shown})")


def study_number(connection: Connection, name: str, now: float) -> int:
    """The number of the study of this name, new or known."""
    put(connection, Study, [{"name": name, "created_at": iso(now)}])
    return connection.execute(select(Study.id).where(Study.name == name)).scalar_one()


def next_turn(connection: Connection) -> int:
    """A turn above that of every plan."""
    return connection.execute(select(func.coalesce(func.max(Plan.turn), 0) + 1)).scalar_one()


def put_trainings(connection: Connection, trainings: Sequence[Training], now: float) -> None:
    """Store trainings; each plan counts the costs again, and its counts replace earlier ones."""
    rows = [training.given(added_at=iso(now)) for training in trainings]
    put(connection, Training, rows, replace=(*COSTS, "network", "step"))


def new_plan(connection: Connection, study: int, plan: PlanRecord, now: float) -> int:
    """Insert the plan with its datasets, variants and cells; its number."""
    number = connection.execute(
        insert(Plan)
        .values(study_id=study, digest=plan.digest, shortcut=plan.key, facts=plan.facts)
        .values(turn=next_turn(connection), question=plan.question, planned_at=iso(now))
        .values(protocol=plan.protocol, metrics=list(plan.metrics))
        .returning(Plan.id)
    ).scalar_one()
    put_datasets(connection, number, plan.datasets, now)
    add_variants(connection, number, plan.variants, now)
    return number


def put_datasets(
    connection: Connection, plan: int, datasets: Sequence[DatasetRecord], now: float
) -> None:
    sets = {d.manifest: {"manifest": d.manifest, "added_at": iso(now)} for d in datasets}
    put(connection, Dataset, list(sets.values()))
    images = [
        image.given(manifest=dataset.manifest, position=place)
        for dataset in datasets
        for place, image in enumerate(dataset.images)
    ]
    put(connection, Image, images)
    roles = [
        {"plan_id": plan, "position": place, "role": d.role, "name": d.name, "manifest": d.manifest}
        for place, d in enumerate(datasets)
    ]
    put(connection, PlanDataset, roles)


def add_variants(
    connection: Connection, plan: int, records: Sequence[VariantRecord], now: float
) -> None:
    """Add variants behind those that the plan has, with their cells, and queue their runs."""
    free = select(func.coalesce(func.max(Variant.position) + 1, 0)).where(Variant.plan_id == plan)
    first = connection.execute(free).scalar_one()
    rows = [
        {"plan_id": plan, "position": first + i, "name": v.name, "role": v.role}
        | {"change": v.change, "fingerprint": v.fingerprint}
        for i, v in enumerate(records)
    ]
    if rows:
        connection.execute(insert(Variant), rows)
    named = select(Variant.name, Variant.id).where(Variant.plan_id == plan)
    numbers = dict(connection.execute(named).all())
    wanted = [(numbers[v.name], v.fingerprint, seed) for v, seed in in_order(records)]
    add_cells(connection, plan, wanted, now)


def in_order(variants: Sequence[VariantRecord]) -> Iterator[tuple[VariantRecord, int]]:
    """First seeds first: a study that stops early has complete pairs to compare."""
    for turn in range(max((len(variant.seeds) for variant in variants), default=0)):
        for variant in variants:
            if turn < len(variant.seeds):
                yield variant, variant.seeds[turn]


def add_cells(
    connection: Connection, plan: int, wanted: Sequence[tuple[int, str, int]], now: float
) -> None:
    """Add cells (variant, fingerprint, seed) behind those of the plan, and queue their runs."""
    free = select(func.coalesce(func.max(Cell.position) + 1, 0)).join(Variant)
    first = connection.execute(free.where(Variant.plan_id == plan)).scalar_one()
    rows = [
        {"variant_id": variant, "seed": seed, "position": first + i}
        for i, (variant, _, seed) in enumerate(wanted)
    ]
    put(connection, Cell, rows)
    ask_for(connection, [(fingerprint, seed) for _, fingerprint, seed in wanted], now)
