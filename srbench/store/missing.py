"""The scores that a plan asks for and that its finished runs lack."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, and_, func, select

from srbench.store.run_rows import of_judged
from srbench.store.tables import Cell, Image, Plan, PlanDataset, Run, Score, Variant
from srbench.store.values import MissingScore, stored_names


def missing_scores(connection: Connection, plan: int) -> Iterator[MissingScore]:
    """Done runs of the plan without a score on some image of a dataset that it evaluates on."""
    asked = select(Plan.protocol, Plan.metrics).where(Plan.id == plan)
    protocol, stored = connection.execute(asked).one()
    metrics = stored_names(stored, "the metrics")
    scored = score_counts(connection, plan, protocol)
    names = variant_names(connection, plan)
    sets = evaluation_sets(connection, plan)
    done = (
        select(Run.id, Run.fingerprint, Run.seed, Run.attempt, Run.weights, Run.weights_sha256)
        .where(of_judged(plan, Run), Run.state == "done")
        .order_by(Run.id)
    )
    for run, fingerprint, seed, attempt, weights, sha256 in connection.execute(done):
        variants = tuple(names[fingerprint, seed])
        for manifest, name, images in sets:
            lacks = tuple(m for m in metrics if scored.get((run, manifest, m), 0) < images)
            if lacks:
                yield MissingScore(
                    run, fingerprint, seed, attempt, variants, weights, sha256,
                    manifest, name, lacks,
                )  # fmt: skip


def evaluation_sets(connection: Connection, plan: int) -> list[tuple[str, str, int]]:
    """Manifest, name and number of images of each set that the plan evaluates on."""
    sets = (
        select(PlanDataset.manifest, PlanDataset.name, func.count(Image.id))
        .join(Image, Image.manifest == PlanDataset.manifest)
        .where(PlanDataset.plan_id == plan, PlanDataset.role == "eval")
        .group_by(PlanDataset.position, PlanDataset.manifest, PlanDataset.name)
        .order_by(PlanDataset.position)
    )
    return [(manifest, name, images) for manifest, name, images in connection.execute(sets)]


def score_counts(
    connection: Connection, plan: int, protocol: str
) -> dict[tuple[int, str, str], int]:
    """How many images of a set have a score, by (run, manifest, metric)."""
    counts = (
        select(Score.run_id, Image.manifest, Score.metric, func.count())
        .join(Image, Image.id == Score.image_id)
        .join(Run, Run.id == Score.run_id)
        .where(Score.protocol == protocol, of_judged(plan, Run))
        .group_by(Score.run_id, Image.manifest, Score.metric)
    )
    return {(run, manifest, m): number for run, manifest, m, number in connection.execute(counts)}


def variant_names(connection: Connection, plan: int) -> dict[tuple[str, int], list[str]]:
    """The names that share a run, in study order, by (fingerprint, seed)."""
    cells = (
        select(Variant.fingerprint, Cell.seed, Variant.name)
        .join(Cell, and_(Cell.variant_id == Variant.id, Variant.plan_id == plan))
        .order_by(Variant.position)
    )
    names: dict[tuple[str, int], list[str]] = {}
    for fingerprint, seed, name in connection.execute(cells):
        names.setdefault((fingerprint, seed), []).append(name)
    return names
