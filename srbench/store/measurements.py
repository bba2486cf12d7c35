"""Writing what was measured: curves while a run goes on, everything else when it is done.

Points come in batches and may come twice, because a run that is resumed measures some steps
again. A run is done in one transaction: state, weights, scores and pictures, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Engine, delete, select

from srbench.store.columns import iso, split_number, storable
from srbench.store.engine import writing
from srbench.store.queue import hold
from srbench.store.tables import Curve, Image, Picture, Point, Score
from srbench.store.upsert import Row, put
from srbench.store.values import Claim, Outcome, PictureRow, ScoreRow
from srbench.store.values import Point as PointRecord


def write_points(
    engine: Engine, claim: Claim, points: Sequence[PointRecord], steps: int | None, now: float
) -> None:
    """Add points to the run's curves; the later of two for one step stays."""
    with writing(engine) as connection:
        hold(connection, claim, now, **({} if steps is None else {"steps": steps}))
        names = sorted({point.name for point in points})
        rows = [{"run_id": claim.run, "name": name} for name in names]
        put(connection, Curve, rows, unique=["run_id", "name"])
        known = select(Curve.name, Curve.id).where(Curve.run_id == claim.run)
        curves = dict(connection.execute(known).all())
        put(
            connection,
            Point,
            [point_row(curves[storable(point.name)], point) for point in points],
            unique=["curve_id", "step"],
            replace=["epoch", "value", "not_finite"],
        )


def point_row(curve: int, point: PointRecord) -> Row:
    value, not_finite = split_number(point.value)
    row: Row = {"curve_id": curve, "step": int(point.step), "epoch": float(point.epoch)}
    return row | {"value": value, "not_finite": not_finite}


def forget_points(engine: Engine, claim: Claim, after: int, now: float) -> None:
    """Drop the points past a checkpoint: the run goes on from there and measures them again."""
    mine = select(Curve.id).where(Curve.run_id == claim.run)
    with writing(engine) as connection:
        hold(connection, claim, now)
        connection.execute(delete(Point).where(Point.curve_id.in_(mine), Point.step > after))


def finish(engine: Engine, claim: Claim, outcome: Outcome, now: float) -> None:
    """The run is done, with its weights, scores and pictures: all of it at once."""
    with writing(engine) as connection:
        hold(
            connection,
            claim,
            now,
            state="done",
            lease_until=None,
            finished_at=iso(now),
            steps=outcome.steps,
            train_seconds=outcome.train_seconds,
            score_seconds=outcome.score_seconds,
            peak_memory_mb=outcome.peak_memory_mb,
            device=outcome.device,
            weights=outcome.weights,
            weights_sha256=outcome.weights_sha256,
            provenance_id=outcome.provenance,
        )
        put_scores(connection, claim.run, outcome.scores)
        put_pictures(connection, claim.run, outcome.pictures)


def write_scores(
    engine: Engine, run: int, scores: Sequence[ScoreRow], pictures: Sequence[PictureRow]
) -> None:
    """Scores of a finished run on a dataset or metric that came later."""
    with writing(engine) as connection:
        put_scores(connection, run, scores)
        put_pictures(connection, run, pictures)


def put_scores(connection: Connection, run: int, scores: Sequence[ScoreRow]) -> None:
    images = image_numbers(connection, {score.dataset for score in scores})
    rows = []
    for score in scores:
        value, not_finite = split_number(score.value)
        row: Row = {"run_id": run, "image_id": number_of(images, score.dataset, score.image)}
        row |= {"protocol": score.protocol, "metric": score.metric}
        rows.append(row | {"value": value, "not_finite": not_finite})
    # in one order, so that two processes that score the same run wait for each other
    rows.sort(key=lambda row: (row["image_id"], row["protocol"], row["metric"]))
    unique = ["run_id", "image_id", "protocol", "metric"]
    put(connection, Score, rows, unique=unique, replace=["value", "not_finite"])


def put_pictures(connection: Connection, run: int, pictures: Sequence[PictureRow]) -> None:
    images = image_numbers(connection, {picture.dataset for picture in pictures})
    rows: list[Row] = [
        {"run_id": run, "image_id": number_of(images, picture.dataset, picture.image)}
        | {"kind": picture.kind, "path": picture.path}
        for picture in pictures
    ]
    put(connection, Picture, rows, unique=["run_id", "image_id", "kind"], replace=["path"])


Images = dict[tuple[str, str], int]


def image_numbers(connection: Connection, manifests: Iterable[str]) -> Images:
    columns = select(Image.manifest, Image.name, Image.id)
    rows = connection.execute(columns.where(Image.manifest.in_(sorted(manifests))))
    return {(manifest, name): number for manifest, name, number in rows}


def number_of(images: Images, manifest: str, name: str) -> int:
    try:
        return images[manifest, storable(name)]
    except KeyError:
        raise ValueError(f"no plan names the image {name!r} of dataset {manifest}") from None
