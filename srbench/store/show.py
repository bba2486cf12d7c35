"""Everything about one run as plain data, for `srbench show RUN`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, cast, func, select

from srbench.core.errors import DatabaseError
from srbench.store.columns import join_number
from srbench.store.table_base import table_of
from srbench.store.tables import (
    POINTS,
    Base,
    Cell,
    Curve,
    Image,
    Picture,
    Plan,
    PlanDataset,
    Provenance,
    Run,
    Score,
    Segment,
    Study,
    Training,
    Variant,
)

Plain = dict[str, Any]


def run_facts(connection: Connection, number: int) -> Plain:
    """The run's own columns, and its training, provenance, variants, curves, scores, pictures.

    `datasets` are those that studies score it on, by manifest.

    Raises:
        DatabaseError: there is no such run.
    """
    own = row(connection, Run, Run.id == number)
    if own is None:
        last = connection.execute(select(func.max(Run.id))).scalar_one()
        known = f"known: 1 to {last}" if last else "the database holds no runs yet"
        raise DatabaseError(f"there is no run {number} ({known})")
    return own | {
        "training": row(connection, Training, Training.fingerprint == own["fingerprint"]),
        "provenance": row(connection, Provenance, Provenance.id == own["provenance_id"]),
        "variants": rows(connection, used_by(own["fingerprint"], own["seed"])),
        "datasets": rows(connection, evaluated_by(own["fingerprint"])),
        "curves": [finite(one) for one in rows(connection, curves_of(number))],
        "scores": [finite(one) for one in rows(connection, scores_of(number))],
        "pictures": rows(connection, pictures_of(number)),
    }


def row(connection: Connection, model: type[Base], where: Any) -> Plain | None:
    found = connection.execute(select(table_of(model)).where(where)).mappings().one_or_none()
    return None if found is None else dict(found)


def rows(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[Plain]:
    return [dict(found) for found in connection.execute(query).mappings()]


def finite(found: Plain) -> Plain:
    not_finite = found.pop("not_finite")
    return found | {"value": join_number(found["value"], not_finite)}


def used_by(fingerprint: str, seed: int) -> Select[*tuple[Any, ...]]:
    """The variants, over all studies and plans, whose training is this run."""
    return (
        select(Study.name.label("study"), Plan.id.label("plan"), Variant.name.label("variant"))
        .add_columns(Variant.role, Variant.change)
        .join(Plan, Plan.study_id == Study.id)
        .join(Variant, Variant.plan_id == Plan.id)
        .join(Cell, and_(Cell.variant_id == Variant.id, Cell.seed == seed))
        .where(Variant.fingerprint == fingerprint)
        .order_by(Study.name, Plan.turn.desc(), Variant.position)
    )


def evaluated_by(fingerprint: str) -> Select[*tuple[Any, ...]]:
    """The evaluation sets of all plans with this training: manifest and a name."""
    name = func.max(PlanDataset.name).label("name")
    return (
        select(PlanDataset.manifest, name)
        .join(Variant, Variant.plan_id == PlanDataset.plan_id)
        .where(Variant.fingerprint == fingerprint, PlanDataset.role == "eval")
        .group_by(PlanDataset.manifest)
        .order_by(name)
    )


def curves_of(number: int) -> Select[*tuple[Any, ...]]:
    """Each curve with its number of points and its last value."""
    at = Segment.first + Segment.stride * (Segment.count - 1)
    last = (
        select(Segment.curve_id, func.max(at).label("step"))
        .add_columns(cast(func.sum(Segment.count), BigInteger).label("points"))
        .join(Curve, Curve.id == Segment.curve_id)
        .where(Curve.run_id == number)
        .group_by(Segment.curve_id)
        .subquery()
    )
    point = POINTS.c
    return (
        select(Curve.name, last.c.points, point.step, point.epoch, point.value, point.not_finite)
        .join(last, last.c.curve_id == Curve.id)
        .join(POINTS, and_(point.curve_id == Curve.id, point.step == last.c.step))
        .order_by(Curve.name)
    )


def scores_of(number: int) -> Select[*tuple[Any, ...]]:
    return (
        select(Image.manifest.label("dataset"), Score.protocol, Image.name.label("image"))
        .add_columns(Score.metric, Score.value, Score.not_finite)
        .join(Image, Image.id == Score.image_id)
        .where(Score.run_id == number)
        .order_by(Image.manifest, Score.protocol, Score.metric, Image.position)
    )


def pictures_of(number: int) -> Select[*tuple[Any, ...]]:
    return (
        select(Image.manifest.label("dataset"), Image.name.label("image"))
        .add_columns(Picture.kind, Picture.path)
        .join(Image, Image.id == Picture.image_id)
        .where(Picture.run_id == number)
        .order_by(Image.manifest, Image.position, Picture.kind)
    )
