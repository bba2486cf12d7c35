"""What was measured: curves while a run trains, its scores when it is done, looks and latency.

Points come in batches and may come twice, because a resumed run measures some steps again. A score
belongs to a run, a set of images, a protocol and a metric: a study that adds a dataset or a metric
scores the weights it has and trains nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, String, and_, func, insert, select, type_coerce, update

from srbench.core.command_line import masked_command
from srbench.core.errors import DatabaseError
from srbench.store import tables
from srbench.store.columns import iso, split_number, storable, to_json
from srbench.store.engine import lock, reading, writing
from srbench.store.run_rows import end, hold, of_judged
from srbench.store.table_base import Row, put, table_of
from srbench.store.tables import (
    Cell,
    Curve,
    Image,
    LatencyNetwork,
    LatencyPass,
    LatencySample,
    Look,
    Picture,
    Plan,
    PlanDataset,
    Provenance,
    Run,
    Score,
    Variant,
)
from srbench.store.values import (
    Lease,
    MissingScore,
    Outcome,
    PictureRow,
    Point,
    ScoreRow,
    metric_names,
)

STORED = type_coerce(Provenance.command, String)  # as it is, not masked on reading


def digest_of(provenance: dict[str, Any]) -> str:
    """What a provenance is known by, from its other columns."""
    known = provenance | {"command": masked_command(provenance["command"])}
    return hashlib.sha256(to_json(known).encode()).hexdigest()


@dataclass(frozen=True)
class Measurements:
    """Everything that was measured here. Each method is one transaction.

    Whatever takes a lease prolongs it, or raises LeaseLost and writes nothing.
    """

    engine: Engine
    clock: Callable[[], float]

    def add_provenance(self, provenance: Provenance) -> int:
        """The number of this provenance; the same content is stored once."""
        values = provenance.given(versions=dict(sorted(provenance.versions.items())))
        digest = digest_of(values)
        known = select(Provenance.id).where(Provenance.digest == digest)
        with writing(self.engine) as connection:
            put(connection, Provenance, [values | {"digest": digest}])
            return connection.execute(known).scalar_one()

    def write_points(
        self, lease: Lease, points: Sequence[Point], *, steps: int | None = None
    ) -> None:
        """Add points to the run's curves, replacing those of the same step.

        With `steps` the run's progress is stored as well. An epoch is the step divided by the
        steps of an epoch, a whole number; ValueError where it is not.
        """
        from srbench.store.segments import changing  # NumPy takes 0.1 s, which readers save

        with writing(self.engine) as connection:
            hold(connection, lease, self.clock(), **({} if steps is None else {"steps": steps}))
            if not points:
                return
            names = sorted({storable(point.name) for point in points})
            put(connection, Curve, [{"run_id": lease.run, "name": name} for name in names])
            known = select(Curve.name, Curve.id)
            known = known.where(Curve.run_id == lease.run, Curve.name.in_(names))
            curves = dict(connection.execute(known).all())
            first = min(int(point.step) for point in points)
            with changing(connection, curves.values(), first) as stored:
                for point in points:
                    own = stored[curves[storable(point.name)]]
                    own[int(point.step)] = float(point.epoch), float(point.value)

    def forget_points(self, lease: Lease, after: int) -> None:
        """Delete the points past the checkpoint from which the run continues."""
        from srbench.store.segments import changing

        mine = select(Curve.id).where(Curve.run_id == lease.run)
        with writing(self.engine) as connection:
            hold(connection, lease, self.clock())
            curves = connection.execute(mine).scalars().all()
            with changing(connection, curves, after) as stored:
                for own in stored.values():
                    for step in [step for step in own if step > after]:
                        del own[step]

    def finish(self, lease: Lease, outcome: Outcome) -> None:
        """Mark the run done, with weights, times, scores and pictures: all of it or nothing."""
        values = {k: v for k, v in vars(outcome).items() if k not in ("scores", "pictures")}
        values["provenance_id"] = values.pop("provenance")
        with writing(self.engine) as connection:
            end(connection, lease, self.clock(), "done", **values)
            _put_scores(connection, lease.run, outcome.scores)
            _put_pictures(connection, lease.run, outcome.pictures)

    def missing_scores(self, plan: int) -> list[MissingScore]:
        """The done runs of the plan that lack a score on an image of its evaluation sets."""
        with reading(self.engine) as connection:
            return list(missing_scores(connection, plan))

    def write_scores(
        self, run: int, scores: Sequence[ScoreRow], pictures: Sequence[PictureRow] = ()
    ) -> None:
        """Add scores and pictures to a finished run."""
        with writing(self.engine) as connection:
            _put_scores(connection, run, scores)
            _put_pictures(connection, run, pictures)

    def write_looks(self, plan: int, looks: Mapping[str, Sequence[Look]]) -> None:
        """Store the looks at each variant as they were taken; a stored look never changes."""
        moment = iso(self.clock())
        with writing(self.engine) as connection:
            named = select(Variant.name, Variant.id).where(Variant.plan_id == plan)
            numbers = dict(connection.execute(named).all())
            rows = [
                look.given(variant_id=numbers[name], taken_at=moment)
                for name, taken in looks.items()
                for look in taken
            ]
            put(connection, Look, rows)

    def write_latency(
        self,
        found: LatencyPass,
        networks: Sequence[LatencyNetwork],
        samples: Sequence[LatencySample],
    ) -> int:
        """Store a latency pass with its networks and every sample; its number."""
        with writing(self.engine) as connection:
            lock(connection)
            row = found.given(measured_at=iso(self.clock()))
            made = insert(LatencyPass).values(row).returning(LatencyPass.id)
            number = int(connection.execute(made).scalar_one())
            for model, rows in ((LatencyNetwork, networks), (LatencySample, samples)):
                if rows:
                    connection.execute(insert(model), [one.given(pass_id=number) for one in rows])
        return number


def _put_scores(connection: Connection, run: int, scores: Sequence[ScoreRow]) -> None:
    rows = _of_images(connection, run, scores)
    for row in rows:
        row["value"], row["not_finite"] = split_number(row["value"])
    # one order, or two processes that score the same run could deadlock
    rows.sort(key=lambda row: (row["image_id"], row["protocol"], row["metric"]))
    put(connection, tables.Score, rows, replace=["value", "not_finite"])


def _put_pictures(connection: Connection, run: int, pictures: Sequence[PictureRow]) -> None:
    put(connection, Picture, _of_images(connection, run, pictures), replace=["path"])


def _of_images(
    connection: Connection, run: int, found: Sequence[ScoreRow | PictureRow]
) -> list[Row]:
    """Rows of a run, with the image's number in place of its dataset and name."""
    manifests = sorted({one.dataset for one in found})
    known = select(Image.manifest, Image.name, Image.id).where(Image.manifest.in_(manifests))
    numbers = {(manifest, name): number for manifest, name, number in connection.execute(known)}
    rows = []
    for one in found:
        image = one.dataset, storable(one.image)
        if image not in numbers:
            raise ValueError(f"no plan names the image {one.image!r} of dataset {one.dataset}")
        values = {k: v for k, v in vars(one).items() if k not in ("dataset", "image")}
        rows.append({"run_id": run, "image_id": numbers[image]} | values)
    return rows


def remove_passwords(engine: Engine) -> None:
    """Mask passwords in stored commands, and in what they are known by; not where one only reads.

    Where the same command was stored without its password as well, both rows stay.
    """
    table = table_of(Provenance)
    listed = select(table).add_columns(STORED.label("stored")).where(STORED.like("%://%"))
    with reading(engine) as connection:
        found = [dict(row) for row in connection.execute(listed).mappings()]
    found = [row for row in found if row.pop("stored") != row["command"]]
    if not found:
        return
    with suppress(DatabaseError), writing(engine) as connection:
        for row in found:
            number, former = row.pop("id"), row.pop("digest")
            digest = digest_of(row)
            if connection.execute(select(table).where(table.c.digest == digest)).first():
                digest = digest_of(row | {"former": former})
            new = update(table).where(table.c.id == number)
            connection.execute(new.values(command=row["command"], digest=digest))


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
