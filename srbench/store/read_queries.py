"""The queries behind the frames of `read`: rows in study order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Double, Select, and_, case, func, select
from sqlalchemy import distinct as unique
from sqlalchemy.orm import aliased

from srbench.store.run_rows import is_latest, of_judged
from srbench.store.tables import (
    Cell,
    Image,
    Look,
    Picture,
    Plan,
    PlanDataset,
    Provenance,
    PublishedFigure,
    Run,
    Score,
    Study,
    Training,
    Variant,
)

CELL = (Run.id.label("run_id"), Variant.name.label("variant"), Cell.seed)


def cells_of(plan: int) -> Select[*tuple[Any, ...]]:
    """A row for each variant and seed of the plan, with its run."""
    return (
        select(Cell)
        .join(Variant, Variant.id == Cell.variant_id)
        .join(Training, Training.fingerprint == Variant.fingerprint)
        .join(Run, and_(Run.fingerprint == Variant.fingerprint, Run.seed == Cell.seed))
        .outerjoin(Provenance, Provenance.id == Run.provenance_id)
        .where(Variant.plan_id == plan, Variant.role != "candidate", is_latest(Run))
        .order_by(Variant.position, Cell.position)
    )


def scores_of(plan: int) -> Select[*tuple[Any, ...]]:
    query = select(
        Score.run_id,
        PlanDataset.name.label("dataset"),
        Score.protocol,
        Image.name.label("image"),
        Score.metric,
        Score.value,
        Score.not_finite,
    )
    order = (Score.run_id, PlanDataset.position, Score.protocol, Score.metric, Image.position)
    return of_images(query.join(Image, Image.id == Score.image_id), Score.run_id, plan, order)


def pictures_of(plan: int) -> Select[*tuple[Any, ...]]:
    query = select(
        Picture.run_id,
        PlanDataset.name.label("dataset"),
        Image.name.label("image"),
        Picture.kind,
        Picture.path,
    )
    order = (Picture.run_id, PlanDataset.position, Image.position, Picture.kind)
    return of_images(query.join(Image, Image.id == Picture.image_id), Picture.run_id, plan, order)


def of_images(
    query: Select[*tuple[Any, ...]], run: Any, plan: int, order: tuple[Any, ...]
) -> Select[*tuple[Any, ...]]:
    """The rows that belong to the plan's runs and to the sets it evaluates on."""
    named = and_(PlanDataset.plan_id == plan, PlanDataset.role == "eval")
    return (
        query.join(PlanDataset, and_(named, PlanDataset.manifest == Image.manifest))
        .join(Run, Run.id == run)
        .where(of_judged(plan, Run))
        .order_by(*order)
    )


def looks_of(plan: int) -> Select[*tuple[Any, ...]]:
    """Every look as it was taken, in the order of the looks."""
    return (
        select(Look.seeds, Variant.name.label("variant"), Look.pairs, Look.effect, Look.low)
        .add_columns(Look.high, Look.p, Look.nominal, Look.p_within, Look.nominal_within)
        .add_columns(Look.verdict, Look.taken_at.label("taken"))
        .join(Variant, Variant.id == Look.variant_id)
        .where(Variant.plan_id == plan)
        .order_by(Look.seeds, Variant.position)
    )


def published_of(plan: int) -> Select[*tuple[Any, ...]]:
    """What others published about the plan's study."""
    figure = PublishedFigure
    return (
        select(figure.source, figure.variant, figure.quantity, figure.dataset, figure.epoch)
        .add_columns(figure.value, figure.unit)
        .join(Plan, Plan.study_id == figure.study_id)
        .where(Plan.id == plan)
        .order_by(figure.id)
    )


def datasets_of(plan: int) -> Select[*tuple[Any, ...]]:
    """The plan's sets of images by role, with their sizes."""
    pixels = func.sum(Image.width * Image.height)
    return (
        select(
            PlanDataset.role,
            PlanDataset.name,
            PlanDataset.manifest,
            func.count(Image.id).label("images"),
            (pixels / 1e6).cast(Double).label("megapixels"),
        )
        .outerjoin(Image, Image.manifest == PlanDataset.manifest)
        .where(PlanDataset.plan_id == plan)
        .group_by(PlanDataset.position, PlanDataset.role, PlanDataset.name, PlanDataset.manifest)
        .order_by(PlanDataset.position)
    )


def studies_of() -> Select[*tuple[Any, ...]]:
    """One row a study, with the progress of its latest plan."""
    other = aliased(Plan)
    newest = select(func.max(other.turn)).where(other.study_id == Study.id).scalar_subquery()
    plans = select(func.count(other.id)).where(other.study_id == Study.id).scalar_subquery()
    return (
        select(
            Study.name.label("study"),
            Plan.question,
            plans.label("plans"),
            func.count(unique(Run.id)).label("runs"),
            number_in("done").label("done"),
            number_in("failed").label("failed"),
            func.coalesce(func.max(Run.finished_at), Plan.planned_at).label("newest"),
        )
        .select_from(Study)
        .join(Plan, and_(Plan.study_id == Study.id, Plan.turn == newest))
        .join(Variant, Variant.plan_id == Plan.id)
        .join(Cell, Cell.variant_id == Variant.id)
        .join(Run, and_(Run.fingerprint == Variant.fingerprint, Run.seed == Cell.seed))
        .where(is_latest(Run))
        .group_by(Study.id, Study.name, Plan.id, Plan.question, Plan.planned_at)
        .order_by(Study.name)
    )


def number_in(state: str) -> Any:
    """How many different runs are in a state: variants that share a run count it once."""
    return func.count(unique(case((Run.state == state, Run.id))))
