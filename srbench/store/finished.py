"""Finished trainings with all that it takes to make them again, and all that came out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, and_, func, select
from sqlalchemy.orm import aliased

from srbench.store.columns import join_number
from srbench.store.engine import reading
from srbench.store.tables import (
    Cell,
    Curve,
    Image,
    Plan,
    Point,
    Run,
    Score,
    Study,
    Training,
    Variant,
)
from srbench.store.values import stored_names


@dataclass(frozen=True)
class FinishedRun:
    """A training that is done: its settings as they were stored, in the latest plan with it."""

    run: int
    fingerprint: str
    seed: int
    variant: str
    study: str
    model: Any
    train: Any
    data: Any
    scale: int
    numerics: str
    salt: str
    source: str
    manifest: str
    weights_sha256: str
    protocol: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What a run left: (curve, step) → value, (set, image, metric) → value under its protocol."""

    points: dict[tuple[str, int], float]
    scores: dict[tuple[str, str, str], float]


def finished_runs(engine: Engine) -> list[FinishedRun]:
    """Every finished training of the database, by number."""
    later = aliased(Plan)
    newest = (
        select(func.max(later.turn))
        .join(Variant, Variant.plan_id == later.id)
        .join(Cell, Cell.variant_id == Variant.id)
        .where(Variant.fingerprint == Run.fingerprint, Cell.seed == Run.seed)
        .correlate(Run)
        .scalar_subquery()
    )
    query = (
        select(
            Run.id.label("run"), Run.fingerprint, Run.seed,
            func.min(Variant.name).label("variant"), Study.name.label("study"),
            Training.model, Training.train, Training.data, Training.scale, Training.numerics,
            Training.salt, Training.source, Training.manifest, Run.weights_sha256,
            Plan.protocol, Plan.metrics,
        )
        .join(Training, Training.fingerprint == Run.fingerprint)
        .join(Variant, Variant.fingerprint == Run.fingerprint)
        .join(Cell, and_(Cell.variant_id == Variant.id, Cell.seed == Run.seed))
        .join(Plan, and_(Plan.id == Variant.plan_id, Plan.turn == newest))
        .join(Study, Study.id == Plan.study_id)
        .where(Run.state == "done", Run.weights_sha256.is_not(None))
        .group_by(Run.id, Training.fingerprint, Plan.id, Study.id)
        .order_by(Run.id)
    )  # fmt: skip
    with reading(engine) as connection:
        return [
            FinishedRun(**{**row, "metrics": stored_names(row["metrics"], "the metrics")})
            for row in connection.execute(query).mappings()
        ]


def measured(engine: Engine, run: int, protocol: str) -> Measured:
    """Every point of the run's curves, and its scores under one protocol."""
    points = (
        select(Curve.name, Point.step, Point.value, Point.not_finite)
        .join(Point, Point.curve_id == Curve.id)
        .where(Curve.run_id == run)
    )
    scores = (
        select(Image.manifest, Image.name, Score.metric, Score.value, Score.not_finite)
        .join(Image, Image.id == Score.image_id)
        .where(Score.run_id == run, Score.protocol == protocol)
    )
    with reading(engine) as connection:
        return Measured(
            {(name, step): join_number(v, n) for name, step, v, n in connection.execute(points)},
            {(m, i, key): join_number(v, n) for m, i, key, v, n in connection.execute(scores)},
        )
