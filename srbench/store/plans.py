"""Writing a plan down, and finding it again: studies, variants, trainings, datasets, cells.

Planning the same thing twice changes nothing but which plan is the study's latest. A run that
some other study has trained already is linked, because runs are known by what they train.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, Engine, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from srbench.core.errors import DatabaseError
from srbench.store.columns import iso, to_json
from srbench.store.engine import lock, reading, writing
from srbench.store.tables import (
    Cell,
    Dataset,
    Image,
    Plan,
    PlanDataset,
    Provenance,
    Run,
    Study,
    Training,
    Variant,
)
from srbench.store.upsert import put
from srbench.store.values import DatasetRecord, PlanRecord, VariantRecord
from srbench.store.values import Provenance as ProvenanceRecord

COSTS = (
    "parameters",
    "frozen",
    "dead",
    "dead_modules",
    "macs_720p",
    "macs_256",
    "activations",
    "receptive_field",
    "uncounted",
    "network",
    "step",
)


def add(engine: Engine, plan: PlanRecord, now: float) -> int:
    """Store the plan with everything it names, queue the runs that are new, make it the latest."""
    check(plan)
    moment = iso(now)
    with writing(engine) as connection:
        lock(connection)
        study = study_number(connection, str(plan.facts["name"]), moment)
        known = select(Plan.id).where(Plan.study_id == study, Plan.digest == plan.digest)
        number = connection.execute(known).scalar_one_or_none()
        # costs are counted anew by whoever plans: a better count replaces an older one
        trainings = [asdict(training) | {"added_at": moment} for training in plan.trainings]
        put(connection, Training, trainings, unique=["fingerprint"], replace=COSTS)
        if number is None:
            number = new_plan(connection, study, plan, moment)
        else:
            connection.execute(
                update(Plan)
                .where(Plan.id == number)
                .values(turn=next_turn(connection), shortcut=plan.key)
                .values(facts=plan.facts, question=question(plan))
            )
        queue_runs(connection, plan, moment)
    return number


def check(plan: PlanRecord) -> None:
    """A plan whose parts do not fit is a mistake of the program, not of the user."""
    missing = {v.fingerprint for v in plan.variants} - {t.fingerprint for t in plan.trainings}
    missing -= set(plan.former)
    if missing:
        raise ValueError(f"variants name trainings that the plan lacks: {sorted(missing)}")


def question(plan: PlanRecord) -> str:
    return str(plan.facts.get("question", ""))


def study_number(connection: Connection, name: str, moment: str) -> int:
    put(connection, Study, [{"name": name, "created_at": moment}], unique=["name"])
    return connection.execute(select(Study.id).where(Study.name == name)).scalar_one()


def next_turn(connection: Connection) -> int:
    return (connection.execute(select(func.max(Plan.turn))).scalar_one() or 0) + 1


def new_plan(connection: Connection, study: int, plan: PlanRecord, moment: str) -> int:
    """Insert the plan itself, its datasets, variants and cells."""
    number = connection.execute(
        insert(Plan)
        .values(study_id=study, digest=plan.digest, shortcut=plan.key, facts=plan.facts)
        .values(turn=next_turn(connection), question=question(plan), planned_at=moment)
        .values(protocol=plan.protocol, metrics=list(plan.metrics))
        .returning(Plan.id)
    ).scalar_one()
    put_datasets(connection, plan.datasets, moment)
    roles = [
        {
            "plan_id": number,
            "position": place,
            "role": d.role,
            "name": d.name,
            "manifest": d.manifest,
        }
        for place, d in enumerate(plan.datasets)
    ]
    put(connection, PlanDataset, roles, unique=["plan_id", "position"])
    variants = [
        {"plan_id": number, "position": place, "name": v.name, "role": v.role}
        | {"change": v.change, "fingerprint": v.fingerprint}
        for place, v in enumerate(plan.variants)
    ]
    put(connection, Variant, variants, unique=["plan_id", "position"])
    named = select(Variant.name, Variant.id).where(Variant.plan_id == number)
    numbers = dict(connection.execute(named).all())
    cells = [
        {"variant_id": numbers[variant.name], "seed": seed, "position": place}
        for place, (variant, seed) in enumerate(in_order(plan.variants))
    ]
    put(connection, Cell, cells, unique=["variant_id", "seed"])
    return number


def in_order(variants: Sequence[VariantRecord]) -> Iterator[tuple[VariantRecord, int]]:
    """First seeds first: a study that is stopped early has whole rows of pairs to compare."""
    for turn in range(max((len(variant.seeds) for variant in variants), default=0)):
        for variant in variants:
            if turn < len(variant.seeds):
                yield variant, variant.seeds[turn]


def put_datasets(connection: Connection, datasets: Sequence[DatasetRecord], moment: str) -> None:
    sets = {d.manifest: {"manifest": d.manifest, "added_at": moment} for d in datasets}
    put(connection, Dataset, list(sets.values()), unique=["manifest"])
    images = [
        asdict(image) | {"manifest": dataset.manifest, "position": place}
        for dataset in datasets
        for place, image in enumerate(dataset.images)
    ]
    put(connection, Image, images, unique=["manifest", "name"])


def queue_runs(connection: Connection, plan: PlanRecord, moment: str) -> None:
    wanted = dict.fromkeys((v.fingerprint, seed) for v, seed in in_order(plan.variants))
    rows = [
        {"fingerprint": fingerprint, "seed": seed, "attempt": 1, "queued_at": moment}
        | {"state": "queued", "steps": 0, "fence": 0}
        for fingerprint, seed in wanted
    ]
    put(connection, Run, rows, unique=["fingerprint", "seed", "attempt"])
    for fingerprint, seed in wanted:  # what a search gave up, a plan takes up again
        connection.execute(
            update(Run)
            .where(Run.fingerprint == fingerprint, Run.seed == seed, Run.state == "pruned")
            .values(state="interrupted", message=None, finished_at=None)
        )


def find(engine: Engine, shortcut: str) -> int | None:
    """The plan chosen last among those with this shortcut, or None."""
    newest = select(Plan.id).where(Plan.shortcut == shortcut).order_by(Plan.turn.desc()).limit(1)
    with reading(engine) as connection:
        return connection.execute(newest).scalar_one_or_none()


def make_latest(engine: Engine, plan: int) -> None:
    """Choose an older plan again: from now on it is what its study's name means."""
    other = aliased(Plan)
    newer = exists().where(other.study_id == Plan.study_id, other.turn > Plan.turn)
    with writing(engine) as connection:
        lock(connection)
        turn = next_turn(connection)
        connection.execute(update(Plan).where(Plan.id == plan, newer).values(turn=turn))


def latest(engine: Engine, study: str) -> int:
    """The plan that a study's name stands for; DatabaseError where the name is unknown."""
    newest = select(Plan.id).join(Study).where(Study.name == study).order_by(Plan.turn.desc())
    with reading(engine) as connection:
        plan = connection.execute(newest.limit(1)).scalar_one_or_none()
        if plan is not None:
            return plan
        planned = select(Study.name).join(Plan).distinct().order_by(Study.name)
        names = [str(name) for name in connection.execute(planned).scalars()]
    raise DatabaseError(unknown_study(study, names))


def unknown_study(study: str, names: Sequence[str]) -> str:
    if not names:
        return f"study {study!r} is unknown: the database holds no studies yet"
    near = difflib.get_close_matches(study, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"study {study!r} is not in the database{hint} (known: {shown})"


def add_provenance(engine: Engine, provenance: ProvenanceRecord) -> int:
    """The number of this provenance; the same content is stored once."""
    values = asdict(provenance)
    values["versions"] = dict(sorted(provenance.versions.items()))
    digest = hashlib.sha256(to_json(values).encode()).hexdigest()
    number = select(Provenance.id).where(Provenance.digest == digest)
    with writing(engine) as connection:
        put(connection, Provenance, [values | {"digest": digest}], unique=["digest"])
        return connection.execute(number).scalar_one()
