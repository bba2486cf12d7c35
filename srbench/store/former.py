"""Finished trainings of one scale and numerics, for those who look for their own of former days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select

from srbench.store.engine import reading
from srbench.store.tables import Image, Plan, PlanDataset, Run, Score, Training, Variant

Scored = tuple[str, str, str]  # manifest, protocol, metric


@dataclass(frozen=True)
class Former:
    """A training with finished runs: its settings and source as they were stored."""

    fingerprint: str
    model: Any
    train: Any
    data: Any
    manifest: str
    salt: str
    source: str
    fit_version: int
    validate: frozenset[str]  # manifests that its curves were taken on
    seeds: frozenset[int]  # of finished runs that have every score that was asked for
    done: int  # finished runs, however they were scored


def formers(engine: Engine, scale: int, numerics: str, wanted: Set[Scored]) -> list[Former]:
    """Every training with finished runs, the newest first."""
    columns = (Training.fingerprint, Training.model, Training.train, Training.data)
    more = (Training.manifest, Training.salt, Training.source, Training.fit_version)
    trained = (
        select(*columns, *more, func.count(Run.id).label("done"))
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
    by: dict[tuple[str, int], set[Scored]] = defaultdict(set)
    with reading(engine) as connection:
        for fingerprint, manifest in connection.execute(validated):
            on[fingerprint].add(manifest)
        for fingerprint, seed, *score in connection.execute(scored):
            by[fingerprint, seed].add((score[0], score[1], score[2]))
        rows = [dict(row) for row in connection.execute(trained).mappings()]
    return [
        Former(
            **row,
            validate=frozenset(on[row["fingerprint"]]),
            seeds=frozenset(
                seed for (name, seed), have in by.items()
                if name == row["fingerprint"] and wanted <= have
            ),
        )
        for row in rows
    ]  # fmt: skip


def sources(engine: Engine, fingerprints: Set[str]) -> dict[str, tuple[str, int]]:
    """Fingerprint → source and version of the training loop that a training was made with."""
    query = select(Training.fingerprint, Training.source, Training.fit_version)
    with reading(engine) as connection:
        rows = connection.execute(query.where(Training.fingerprint.in_(sorted(fingerprints))))
        return {fingerprint: (source, version) for fingerprint, source, version in rows}
