"""SYNTHETIC runs on the whole way of real ones: plan, claim, points, scores, database, queries.

What `planted` makes up goes in through the store's public verbs, and comes back as the store's
own answer: nothing of the made-up frames survives but the numbers that were written.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from srbench.analysis.results import Results
from srbench.store import (
    DatasetRecord,
    Image,
    Lease,
    Outcome,
    PlanRecord,
    Point,
    Provenance,
    ScoreRow,
    Store,
    Training,
    VariantRecord,
    open_store,
    this_process,
)

OTHERWISE = ("plan", "planned_at", "later")  # facts that the store itself knows


def stored(made: Results, folder: Path) -> Results:
    """The made-up study, written to a database and read back."""
    store = open_store(folder / "db" / "srbench.sqlite")
    try:
        train(store, store.plans.add(planned(made)), made)
        return store.reading.results(made.facts.name)
    finally:
        store.close()


def planned(made: Results) -> PlanRecord:
    facts = {k: v for k, v in asdict(made.facts).items() if k not in OTHERWISE}
    roles = {"evaluate": "eval"}
    images = list(dict.fromkeys(made.scores["image"]))
    rows = made.variants.to_dict("records")
    return PlanRecord(
        digest=digest(json.dumps(facts, sort_keys=True)),
        key=digest(repr(facts)),
        facts=facts | {"notes": ["planted effects"]},
        trainings=tuple(training(made, row) for row in rows),
        variants=tuple(
            VariantRecord(
                row["variant"], row["role"], row["change"], row["fingerprint"],
                (0,) if row["role"] == "interpolation" else made.facts.seeds,
            )
            for row in rows
        ),
        datasets=tuple(
            DatasetRecord(
                row["manifest"], row["name"], roles.get(row["role"], row["role"]),
                tuple(Image(image, 300, 200, digest(image)) for image in images),
            )
            for row in made.datasets.to_dict("records")
        ),
        metrics=tuple(dict.fromkeys(made.scores["metric"])),
        protocol=made.facts.protocol,
    )  # fmt: skip


def training(made: Results, row: dict[Any, Any]) -> Training:
    is_network = row["role"] != "interpolation"
    costs = ("macs_720p", "macs_256", "activations") if is_network else ()
    return Training(
        fingerprint=row["fingerprint"],
        model={row["variant"]: {}},
        train=made.facts.train if is_network else {},
        data=made.facts.data if is_network else {},
        scale=made.facts.scale,
        manifest="ab" * 32,
        numerics="cpu fp32, 1 thread",
        salt="",
        source="5eed",
        fit_version=1,
        steps=made.facts.steps if is_network else 0,
        parameters=int(row["parameters"]),
        frozen=0,
        dead=0,
        **{name: row[name] for name in costs},
    )


def train(store: Store, number: int, made: Results) -> None:
    """Claim run after run; one that is to have no result is stopped before its first step."""
    stopped = []
    rows = {(row["variant"], row["seed"]): row for row in made.runs.to_dict("records")}
    curves = dict(list(made.curves.groupby(["variant", "seed"])))
    scores = dict(list(made.scores.groupby(["variant", "seed"])))
    manifests = made.datasets.set_index("name")["manifest"].to_dict()
    evaluated = made.datasets[made.datasets["role"].isin(["eval", "evaluate"])]
    manifests |= evaluated.set_index("name")["manifest"].to_dict()
    interpolations = set(made.variants.query("role == 'interpolation'")["variant"])
    number_of_provenance = store.measurements.add_provenance(
        Provenance(None, None, {}, "cpu", None, "synthetic", "made up", "3", "none", 1)
    )
    while (lease := store.queue.claim(number, this_process("synthetic"))) is not None:
        cell = (lease.variants[0], lease.seed)
        is_network = cell[0] not in interpolations
        if is_network and cell not in rows:
            stopped.append(lease)
            continue
        row = rows[cell] if is_network else {"state": "done", "steps": 0, "train_seconds": 0.0}
        if is_network:
            store.measurements.write_points(lease, points(curves[cell]))
        if row["state"] == "failed":
            store.queue.fail(lease, row["reason"], row["message"], steps=row["steps"])
            continue
        found = tuple(
            ScoreRow(manifests[s["dataset"]], s["protocol"], s["image"], s["metric"], s["value"])
            for s in scores[cell].to_dict("records")
        )
        store.measurements.finish(lease, outcome(lease, row, number_of_provenance, found))
    for lease in stopped:
        store.queue.interrupt(lease, 0)


def points(curves: Any) -> list[Point]:
    columns = curves[["name", "step", "epoch", "value"]]
    return [Point(*row) for row in columns.itertuples(index=False)]


def outcome(
    lease: Lease, row: dict[Any, Any], provenance: int, scores: tuple[ScoreRow, ...]
) -> Outcome:
    return Outcome(
        steps=row["steps"],
        train_seconds=row["train_seconds"],
        score_seconds=0.5,
        peak_memory_mb=None,
        weights=f"runs/{lease.fingerprint}/{lease.seed}/weights.safetensors",
        weights_sha256="aa" * 32,
        device="cpu",
        provenance=provenance,
        scores=scores,
    )


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
