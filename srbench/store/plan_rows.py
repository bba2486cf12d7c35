"""Rows of a plan: its datasets, its variants, and the cells that ask for runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, func, insert, select

from srbench.store.columns import iso
from srbench.store.run_rows import ask_for
from srbench.store.tables import Cell, Dataset, Image, Plan, PlanDataset, Study, Training, Variant
from srbench.store.upsert import put
from srbench.store.values import DatasetRecord, PlanRecord, VariantRecord

COSTS = (
    "parameters", "frozen", "dead", "dead_modules", "macs_720p", "macs_256", "activations",
    "receptive_field", "uncounted",
)  # fmt: skip


def study_number(connection: Connection, name: str, now: float) -> int:
    """The number of the study of this name, new or known."""
    put(connection, Study, [{"name": name, "created_at": iso(now)}])
    return connection.execute(select(Study.id).where(Study.name == name)).scalar_one()


def next_turn(connection: Connection) -> int:
    """A turn above that of every plan."""
    return (connection.execute(select(func.max(Plan.turn))).scalar_one() or 0) + 1


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
    last = connection.execute(
        select(func.max(Variant.position)).where(Variant.plan_id == plan)
    ).scalar_one()
    first = 0 if last is None else last + 1
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
    cells = select(func.max(Cell.position)).join(Variant).where(Variant.plan_id == plan)
    last = connection.execute(cells).scalar_one()
    first = 0 if last is None else last + 1
    rows = [
        {"variant_id": variant, "seed": seed, "position": first + i}
        for i, (variant, _, seed) in enumerate(wanted)
    ]
    put(connection, Cell, rows)
    ask_for(connection, [(fingerprint, seed) for _, fingerprint, seed in wanted], now)
