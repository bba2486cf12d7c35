"""The scores that a plan asks for and that its finished runs lack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, and_, func, select

from srbench.store.run_rows import of_judged
from srbench.store.tables import Cell, Image, Plan, PlanDataset, Run, Score, Variant
from srbench.store.values import MissingScore, metric_names


def missing_scores(connection: Connection, plan: int) -> Iterator[MissingScore]:
    """Done runs of the plan without a score on some image of a dataset that it evaluates on."""
    asked = select(Plan.protocol, Plan.metrics).where(Plan.id == plan)
    protocol, stored = connection.execute(asked).one()
    metrics = metric_names(stored)
    sets = (
        select(PlanDataset.manifest, func.count(Image.id))
        .join(Image, Image.manifest == PlanDataset.manifest)
        .where(PlanDataset.plan_id == plan, PlanDataset.role == "eval")
        .group_by(PlanDataset.position, PlanDataset.manifest)
        .order_by(PlanDataset.position)
    )
    counts = (
        select(Score.run_id, Image.manifest, Score.metric, func.count())
        .join(Image, Image.id == Score.image_id)
        .join(Run, Run.id == Score.run_id)
        .where(Score.protocol == protocol, of_judged(plan, Run))
        .group_by(Score.run_id, Image.manifest, Score.metric)
    )
    cells = (
        select(Variant.fingerprint, Cell.seed, Variant.name)
        .join(Cell, and_(Cell.variant_id == Variant.id, Variant.plan_id == plan))
        .order_by(Variant.position)
    )
    done = (
        select(Run.id, Run.fingerprint, Run.seed, Run.attempt, Run.weights, Run.weights_sha256)
        .where(of_judged(plan, Run), Run.state == "done")
        .order_by(Run.id)
    )
    evaluated = connection.execute(sets).all()
    scored = {(run, of, metric): n for run, of, metric, n in connection.execute(counts)}
    names: dict[tuple[str, int], list[str]] = defaultdict(list)
    for fingerprint, seed, name in connection.execute(cells):
        names[fingerprint, seed].append(name)
    for run, fingerprint, seed, attempt, weights, sha256 in connection.execute(done):
        for manifest, images in evaluated:
            lacks = tuple(m for m in metrics if scored.get((run, manifest, m), 0) < images)
            if lacks:
                yield MissingScore(
                    run, fingerprint, seed, attempt, tuple(names[fingerprint, seed]), weights,
                    sha256, manifest, lacks,
                )  # fmt: skip
