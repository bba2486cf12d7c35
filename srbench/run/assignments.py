"""A planned run as a task for a worker, and what the worker reports as rows for the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from srbench.core import part_files
from srbench.core.devices import Machine
from srbench.core.places import run_folder
from srbench.core.provenance import surroundings
from srbench.run.messages import Done, Task
from srbench.run.records import provenance
from srbench.run.worker_scores import save_originals
from srbench.store import Lease, MissingScore, Outcome, PictureRow, ScoreRow, Store
from srbench.study.identity import code_digest
from srbench.study.plan import Plan, PlannedVariant


def task_of(planned: PlannedVariant, **where: Any) -> Task:
    """A planned run as a task; `where` are the fields that a plan does not hold."""
    tree = planned.variant.tree
    return Task(
        model=tree.model.to_json(),
        train=tree.train.to_json(),
        data=tree.data.to_json(),
        salt=planned.variant.salt,
        images={"train": planned.manifest, "validate": planned.validate},
        code=code_digest(),
        parts=part_files.shipped(),
        **where,
    )


class Assignments:
    """The runs of one plan as tasks for workers, and what they report as rows."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        checkpoint_s: float,
        found: Callable[[Lease], PlannedVariant] | None = None,
    ) -> None:
        """`found` gives what a run trains that the plan does not name: a candidate of a search."""
        self.plan, self.store, self.found = plan, store, found
        self.checkpoint_s = checkpoint_s
        self.by_name = {p.variant.name: p for p in plan.variants}
        self.originals: dict[str, list[tuple[str, str, str]]] = {}
        self.noted: list[tuple[Machine, int]] = []  # with the number of its provenance
        self.here = surroundings()  # while plans and runs are made

    def planned(self, lease: Lease) -> PlannedVariant:
        known = next((self.by_name[n] for n in lease.variants if n in self.by_name), None)
        if known is None and self.found is not None:
            return self.found(lease)
        assert known is not None, f"run {lease.run} is of no variant of the plan"
        return known

    def folder(self, run: Lease | MissingScore) -> Path:
        return run_folder(self.store.root, run.fingerprint, run.seed, run.attempt)

    def task(self, lease: Lease, planned: PlannedVariant) -> Task:
        return task_of(
            planned,
            run=lease.run,
            seed=lease.seed,
            scale=self.plan.study.scale,
            folder=str(self.folder(lease)),
            protocol=self.plan.study.protocol,
            metrics=self.plan.study.metrics,
            evaluate=tuple(self._evaluation_sets()) if lease.judged else (),
            checkpoint_s=self.checkpoint_s,
            precision=self.plan.numerics.precision,
            memory_order=self.plan.numerics.memory_order,
        )

    def scoring_task(self, missing: MissingScore) -> Task:
        lease = Lease(
            missing.run, missing.fingerprint, missing.seed, missing.attempt, 0, missing.variants, 0
        )
        sets = dict(self._evaluation_sets())
        return replace(
            self.task(lease, self.planned(lease)),
            evaluate=((missing.dataset, sets[missing.dataset]),),
            metrics=tuple(missing.metrics),
            weights=str(self.store.root / missing.weights) if missing.weights else None,
            weights_sha256=missing.weights_sha256,
        )

    def images_to_score(self) -> dict[str, int]:
        """Manifest -> number of images, of each evaluation set."""
        sets = (images for role, images in self.plan.datasets if role == "eval")
        return {images.manifest: len(images.images) for images in sets}

    def _evaluation_sets(self) -> Iterator[tuple[str, Any]]:
        """(manifest, choice as JSON) of every evaluation set."""
        manifests = [images.manifest for role, images in self.plan.datasets if role == "eval"]
        for manifest, choice in zip(manifests, self.plan.study.base.data["eval"], strict=True):
            yield manifest, choice.to_json()

    def outcome(self, lease: Lease, done: Done, machine: Machine) -> Outcome:
        scores, pictures = self.rows(lease, done)
        folder = self.folder(lease).relative_to(self.store.root)
        return Outcome(
            steps=done.steps,
            train_seconds=done.train_s,
            score_seconds=done.score_s,
            peak_memory_mb=done.memory_mb,
            weights=str(folder / done.weights) if done.weights else None,
            weights_sha256=done.weights_sha256,
            device=machine.device,
            provenance=self.provenance(machine),
            scores=tuple(scores),
            pictures=tuple(pictures),
        )

    def rows(
        self, run: Lease | MissingScore, done: Done
    ) -> tuple[list[ScoreRow], list[PictureRow]]:
        protocol = self.plan.study.protocol
        scores = [
            ScoreRow(manifest, protocol, image, metric, value)
            for manifest, image, metric, value in done.scores
        ]
        folder = self.folder(run).relative_to(self.store.root)
        pictures = [
            PictureRow(manifest, image, kind, str(folder / file))
            for manifest, image, kind, file in done.pictures
        ]
        for manifest in dict.fromkeys(picture.dataset for picture in pictures):
            pictures += [
                PictureRow(manifest, image, kind, f"runs/images/{file}")
                for image, kind, file in self._originals(manifest)
            ]
        return scores, pictures

    def _originals(self, manifest: str) -> list[tuple[str, str, str]]:
        if manifest not in self.originals:
            images = next(d for r, d in self.plan.datasets if (r, d.manifest) == ("eval", manifest))
            self.originals[manifest] = save_originals(
                self.store.root / "runs" / "images", images, self.plan.study.scale
            )
        return self.originals[manifest]

    def provenance(self, machine: Machine) -> int:
        for known, number in self.noted:
            if known == machine:
                return number
        made = provenance(machine, 1, self.here)
        self.noted.append((machine, self.store.measurements.add_provenance(made)))
        return self.noted[-1][1]
