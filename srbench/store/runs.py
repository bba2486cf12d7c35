"""Runs of any study: what was trained, its results, and how long it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, and_, func, select
from sqlalchemy.orm import aliased

from srbench.store.columns import join_number
from srbench.store.engine import reading
from srbench.store.show import run_facts
from srbench.store.tables import (
    POINTS,
    Cell,
    Curve,
    Image,
    Plan,
    PlanDataset,
    Run,
    Score,
    Study,
    Training,
    Variant,
)
from srbench.store.values import metric_names

Scored = tuple[str, str, str]  # manifest, protocol, metric


@dataclass(frozen=True)
class Former:
    """A training with finished runs."""

    training: Training
    validate: frozenset[str]  # manifests that its curves were taken on
    seeds: frozenset[int]  # of finished runs that have every score that was asked for
    done: int  # finished runs, however they were scored


@dataclass(frozen=True)
class FinishedRun:
    """A run that is done, in the latest plan with it."""

    run: int
    seed: int
    variant: str
    study: str
    training: Training
    weights_sha256: str
    protocol: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Runs:
    """Questions about runs of any study. Each method is one transaction that reads."""

    engine: Engine

    def formers(self, scale: int, numerics: str, wanted: Set[Scored]) -> list[Former]:
        """Trainings of one scale and numerics with finished runs, the newest first.

        Their `seeds` are those with every wanted score.
        """
        trained = (
            select(Training, func.count(Run.id).label("done"))
            .join(Run, Run.fingerprint == Training.fingerprint)
            .where(Training.scale == scale, Training.numerics == numerics, Training.steps > 0)
            .where(Run.state == "done")
            .group_by(Training.fingerprint)
            .order_by(func.max(Run.id).desc())
        )
        validated = (
            select(Variant.fingerprint, PlanDataset.manifest)
            .join(Plan, Plan.id == Variant.plan_id)
            .join(PlanDataset, PlanDataset.plan_id == Plan.id)
            .where(PlanDataset.role == "validate")
            .distinct()
        )
        scored = (
            select(Run.fingerprint, Run.seed, Image.manifest, Score.protocol, Score.metric)
            .join(Score, Score.run_id == Run.id)
            .join(Image, Image.id == Score.image_id)
            .where(Run.state == "done")
            .distinct()
        )
        on: dict[str, set[str]] = defaultdict(set)
        by: dict[str, dict[int, set[Scored]]] = defaultdict(lambda: defaultdict(set))
        with reading(self.engine) as connection:
            for fingerprint, manifest in connection.execute(validated):
                on[fingerprint].add(manifest)
            for fingerprint, seed, *score in connection.execute(scored):
                by[fingerprint][seed].add((score[0], score[1], score[2]))
            rows = [
                (Training.of(row), row["done"]) for row in connection.execute(trained).mappings()
            ]
        found = []
        for training, done in rows:
            seeds = (seed for seed, have in by[training.fingerprint].items() if wanted <= have)
            on_sets = frozenset(on[training.fingerprint])
            found.append(Former(training, on_sets, frozenset(seeds), done))
        return found

    def sources(self, fingerprints: Set[str]) -> dict[str, tuple[str, int]]:
        """Fingerprint → source and version of the training loop, of trainings that are known."""
        query = select(Training.fingerprint, Training.source, Training.fit_version)
        with reading(self.engine) as connection:
            rows = connection.execute(query.where(Training.fingerprint.in_(sorted(fingerprints))))
            return {fingerprint: (source, version) for fingerprint, source, version in rows}

    def step_seconds(self, fingerprints: Set[str], device: str) -> dict[str, float]:
        """Fingerprint → mean seconds of a step over its finished runs on this device."""
        means = (
            select(Run.fingerprint, func.avg(Run.train_seconds / Run.steps))
            .where(Run.fingerprint.in_(sorted(fingerprints)), Run.device == device)
            .where(Run.state == "done", Run.steps > 0)
            .group_by(Run.fingerprint)
        )
        with reading(self.engine) as connection:
            return dict(connection.execute(means).all())

    def peak_memory_mb(self, fingerprints: Set[str], device: str) -> float | None:
        """The most that a step of their finished runs took on this device; None on the CPU."""
        most = (
            select(func.max(Run.peak_memory_mb))
            .where(Run.fingerprint.in_(sorted(fingerprints)), Run.device == device)
            .where(Run.state == "done")
        )
        with reading(self.engine) as connection:
            return connection.execute(most).scalar()

    def show(self, run: int) -> dict[str, Any]:
        """Everything about one run as plain data; DatabaseError where there is none."""
        with reading(self.engine) as connection:
            return run_facts(connection, run)

    def finished(self) -> list[FinishedRun]:
        """Every finished run with all that it takes to repeat it, by number."""
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
            select(Training, Run.id, Run.seed, Run.weights_sha256, Plan.protocol, Plan.metrics)
            .add_columns(func.min(Variant.name).label("variant"), Study.name.label("study"))
            .select_from(Run)
            .join(Training, Training.fingerprint == Run.fingerprint)
            .join(Variant, Variant.fingerprint == Run.fingerprint)
            .join(Cell, and_(Cell.variant_id == Variant.id, Cell.seed == Run.seed))
            .join(Plan, and_(Plan.id == Variant.plan_id, Plan.turn == newest))
            .join(Study, Study.id == Plan.study_id)
            .where(Run.state == "done", Run.weights_sha256.is_not(None))
            .group_by(Run.id, Training.fingerprint, Plan.id, Study.id)
            .order_by(Run.id)
        )
        with reading(self.engine) as connection:
            return [
                FinishedRun(
                    row["id"], row["seed"], row["variant"], row["study"], Training.of(row),
                    row["weights_sha256"], row["protocol"],
                    metric_names(row["metrics"]),
                )
                for row in connection.execute(query).mappings()
            ]  # fmt: skip

    def points(self, run: int) -> dict[tuple[str, int], float]:
        """Every point of the run's curves: (curve, step) → value."""
        query = (
            select(Curve.name, POINTS.c.step, POINTS.c.value, POINTS.c.not_finite)
            .join(POINTS, POINTS.c.curve_id == Curve.id)
            .where(Curve.run_id == run)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return {(name, step): join_number(value, odd) for name, step, value, odd in rows}
