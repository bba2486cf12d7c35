"""Small plans and outcomes for the store's tests, and what their child processes run."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from known_metrics import PLAIN_METRICS

from srbench.store import (
    DatasetRecord,
    Image,
    Lease,
    Outcome,
    Owner,
    PictureRow,
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

METRICS = ("psnr_y", "ssim_y")
PHOTOS = DatasetRecord(
    "m-photos",
    "photos",
    "eval",
    (Image("astronaut", 512, 512, "aa"), Image("chelsea", 450, 300, "bb")),
)
TRAINED = DatasetRecord("m-train", "photos", "train", (Image("rocket", 640, 427, "cc"),))
ELSEWHERE = Owner("another-machine", "another-boot", 4242, 17.5, "elsewhere")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def training(name: str, **changed: Any) -> Training:
    values: dict[str, Any] = {
        "fingerprint": digest(name),
        "model": {"carn": {"attention": name}},
        "train": {"epochs": 3},
        "data": {"train": "photos"},
        "scale": 2,
        "manifest": TRAINED.manifest,
        "numerics": "cpu fp32 1 thread",
        "salt": "",
        "source": "5eed",
        "fit_version": 1,
        "steps": 60,
        "parameters": 964163,
        "frozen": 0,
        "dead": 12,
        "dead_modules": ["body.2.se", "tail"],
        "macs_720p": 222.83e9,
        "uncounted": ["aten::grid_sampler"],
    }
    return Training(**values | changed)


def facts(name: str, seeds: tuple[int, ...], **changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": name,
        "question": "Does it help?",
        "source": "",
        "scale": 2,
        "baseline": "plain",
        "metric": "psnr_y",
        "dataset": "photos",
        "protocol": "sr-y-v1",
        "min_effect": 0.03,
        "metric_facts": PLAIN_METRICS,
        "seeds": list(seeds),
        "epochs": 3,
        "steps": 60,
        "text": "question: Does it help?\n",
        "overrides": ["--seeds 2"],
        "train": {"epochs": 3},
        "data": {"train": "photos"},
        "references": [["scse", "Roy et al., 2018"]],
        "notes": ["ours: sizes"],
    }
    return plain | changed


def plan(
    name: str = "demo",
    variants: tuple[str, ...] = ("plain", "se"),
    seeds: tuple[int, ...] = (0, 1),
    **changed: Any,
) -> PlanRecord:
    """A plan whose variants are trainings of the same name; the first is the baseline."""
    values: dict[str, Any] = {
        "digest": digest(repr((name, variants, seeds))),
        "key": digest("key" + repr((name, variants, seeds))),
        "facts": facts(name, seeds),
        "trainings": tuple(training(variant) for variant in variants),
        "variants": tuple(
            VariantRecord(
                variant, "variant" if place else "baseline", variant, digest(variant), seeds
            )
            for place, variant in enumerate(variants)
        ),
        "datasets": (TRAINED, PHOTOS),
        "metrics": METRICS,
        "protocol": "sr-y-v1",
    }
    return PlanRecord(**values | changed)


def provenance(**changed: Any) -> Provenance:
    values: dict[str, Any] = {
        "git_commit": "abc123",
        "git_dirty": True,
        "versions": {"torch": "2.11", "numpy": "2.4"},
        "device": "a processor",
        "driver": None,
        "host": "desk",
        "command": "srbench run demo.yaml",
        "python": "3.11.7",
        "platform": "Linux",
        "threads": 1,
    }
    return Provenance(**values | changed)


def scores(value: float = 30.0, dataset: DatasetRecord = PHOTOS) -> tuple[ScoreRow, ...]:
    return tuple(
        ScoreRow(dataset.manifest, "sr-y-v1", image.name, metric, value)
        for image in dataset.images
        for metric in METRICS
    )


def outcome(store: Store, lease: Lease, value: float = 30.0, **changed: Any) -> Outcome:
    folder = f"runs/{lease.fingerprint}/{lease.seed}"
    values: dict[str, Any] = {
        "steps": 60,
        "train_seconds": 6.0,
        "score_seconds": 0.5,
        "peak_memory_mb": None,
        "weights": f"{folder}/weights.safetensors",
        "weights_sha256": "f00d",
        "device": "cpu",
        "provenance": store.measurements.add_provenance(provenance()),
        "scores": scores(value),
        "pictures": (PictureRow(PHOTOS.manifest, "chelsea", "sr", f"{folder}/chelsea.png"),),
    }
    return Outcome(**values | changed)


def claimed(store: Store, number: int, owner: Owner | None = None) -> Lease:
    lease = store.queue.claim(number, owner or this_process("test"))
    assert lease is not None
    return lease


def finish_all(store: Store, number: int) -> None:
    """Claim and finish what is free; scores rise with the run's number."""
    while (lease := store.queue.claim(number, this_process("test"))) is not None:
        store.measurements.write_points(
            lease, [Point("loss", step, step / 20, 1 / step) for step in (20, 40)]
        )
        store.measurements.finish(lease, outcome(store, lease, value=30.0 + lease.run / 100))


def claim_until_none(url: str, number: int, pipe: Any) -> None:
    """A child process: claims and finishes runs until none is left, and sends their numbers."""
    store = open_store(url, create=False)
    mine = []
    while (lease := store.queue.claim(number, this_process("child"))) is not None:
        store.measurements.write_points(lease, [Point("loss", 1, 0.1, 1.0)])
        store.measurements.finish(lease, outcome(store, lease, scores=(), pictures=()))
        mine.append(lease.run)
    pipe.send(mine)
    pipe.close()


def open_and_plan(url: str, pipe: Any) -> None:
    """A child process: opens what may be a fresh store, and plans."""
    store = open_store(url)
    pipe.send(store.plans.add(plan()))
    pipe.close()


def claim_and_die(url: str, number: int, pipe: Any) -> None:
    """A child process: claims one run and ends without releasing it."""
    store = open_store(url, create=False)
    lease = claimed(store, number, this_process("doomed"))
    store.measurements.write_points(lease, [], steps=7)
    pipe.send(lease.run)
    pipe.close()


def doctored(path: str | Path, statement: str) -> None:
    """Change a file behind srbench's back, against its rules."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)


def url_of(store: Store) -> str:
    """What opens this database again; holds the password where there is one."""
    return store.address.url.render_as_string(hide_password=False)


def database(folder: Path) -> str:
    return str(folder / "srbench.sqlite")
