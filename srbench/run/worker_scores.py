"""What a worker scores: `validate` while a network is trained, evaluation sets at the end.

Runs leave pictures: HR and LR of a set once, SR of every run, and a strip of the three.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as Picture
from torch import nn

from srbench.core import slots
from srbench.core.errors import DiskError, UserError, first_line
from srbench.core.files import write_atomically
from srbench.core.numbers import without_infinite
from srbench.core.outputs import factors_of, output_name
from srbench.core.places import MAX_PICTURES, STRIP
from srbench.core.slots import Image
from srbench.data.decoded import Dataset
from srbench.measure.forward import Pixels, answers, on_host, super_resolve, together
from srbench.measure.named import validated
from srbench.measure.scores import (
    PROTOCOLS,
    Metrics,
    Pictured,
    evaluation_lr,
    metrics_named,
    score_outputs,
    score_sets,
)
from srbench.run.messages import Task
from srbench.run.worker_images import Changed, evaluation_images, validation_images, with_names
from srbench.study.tree import Tree, dataset_name
from srbench.train.device import touch

TOGETHER = 2**20  # HR pixels that a CUDA device validates at once, of images of one size


@dataclass
class Scored:
    """Scores (manifest, image, metric, value), pictures (manifest, image, kind, file name in the
    run's folder), why scores are missing on this machine, and why others failed."""

    scores: list[tuple[str, str, str, float]] = field(default_factory=list)
    pictures: list[tuple[str, str, str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    images: int = 0  # scored so far


@dataclass(frozen=True)
class Scorer:
    """A network on the images of its task.

    `listen` is called between two images, with the number that are scored.
    """

    net: nn.Module
    task: Task
    tree: Tree
    device: torch.device
    listen: Callable[[int], None]

    def validate(self) -> dict[str, float]:
        """Metric -> mean over the images of `validate`.

        Flat images, whose PSNR may be infinite, are left out, unless all are flat.
        """
        scale = self.task.scale
        names = [
            output_name(name, factor, scale)
            for factor in reversed(factors_of(self.net) or (scale,))
            for name in validated()
        ]
        metrics, _ = metrics_named(names, scale)
        images = validation_images(self.task, self.tree)
        _, lrs, hrs = zip(*with_names(self.task, images), strict=True)
        most = TOGETHER // scale**2 if self.device.type == "cuda" else 0
        rows: list[dict[str, float]] = [{} for _ in lrs]
        for numbers in together(lrs, most):
            some = answers(self.net, [lrs[n] for n in numbers], self.device)
            for n, found in zip(numbers, some, strict=True):
                rows[n] = score_outputs(found, hrs[n], PROTOCOLS["sr-y-v1"], scale, metrics)
        of_images = zip(rows, images.images, strict=True)
        rows = [row for row, image in of_images if not image.flat] or rows
        return {
            name: float(np.mean(without_infinite(row[name] for row in rows))) for name in metrics
        }

    def score(self) -> Scored:
        """Score every evaluation set of the task, and save pictures of its first images.

        A metric that fails costs its scores on that set; a set that fails, those of the set.
        """
        scored = Scored()
        for manifest, chosen in self.task.evaluate:
            try:
                self._score_set(manifest, chosen, scored)
            except (Changed, DiskError):
                raise
            except (UserError, MemoryError, torch.OutOfMemoryError) as problem:
                scored.failed.append(
                    f"{dataset_name(slots.dataset.parse(chosen))}: {_why(problem)}"
                )
        return scored

    def _score_set(self, manifest: str, chosen: Any, scored: Scored) -> None:
        metrics, of_sets = metrics_named(self.task.metrics, self.task.scale)
        images = evaluation_images(self.task, manifest, chosen)
        rows: list[dict[str, float]] = []
        failed: dict[str, str] = {}  # metric -> why
        pictured: list[Pictured] = []  # collected only where a metric is of the whole set
        for n, (name, lr, hr) in enumerate(with_names(self.task, images)):
            self.listen(scored.images)
            (answer,) = answers(self.net, [lr], self.device)
            left = {key: metric for key, metric in metrics.items() if key not in failed}
            row, problems = self._scores(answer, hr, left)
            rows.append(row)
            scored.images += 1
            for key, why in problems.items():
                failed[key] = f"{key} on {images.name}, {name}: {why}"
            if not of_sets and n >= MAX_PICTURES:
                continue
            found = {factor: on_host(picture) for factor, picture in answer.items()}
            pictured += [Pictured(name, lr, hr, found)] if of_sets else []
            if n < MAX_PICTURES:
                scored.pictures += self._save_pictures(manifest, n, name, found)
            if n == 0 and manifest == self.task.evaluate[0][0]:
                self._save_strip(lr, found[max(found)], hr)
        names = [image.name for image in images.images]
        scored.scores += [
            (manifest, name, key, value)
            for name, row in zip(names, rows, strict=True)
            for key, value in row.items()
            if key not in failed
        ]
        for key, score in of_sets.items():
            self.listen(scored.images)
            try:
                whole, missing = score_sets(
                    self.net, pictured, PROTOCOLS[self.task.protocol], self.task.scale,
                    {key: score}, device=self.device,
                )  # fmt: skip
            except Exception as problem:
                touch(self.device)
                failed[key] = f"{key} on {images.name}: {_why(problem)}"
                continue
            scored.missing += missing
            scored.scores += [
                (manifest, name, key, value)
                for values in whole.values()
                for name, value in zip(names, values, strict=True)
            ]
        scored.failed += failed.values()

    def _scores(
        self, answer: Mapping[int, Pixels], hr: Image, metrics: Metrics
    ) -> tuple[dict[str, float], dict[str, str]]:
        """Every metric of an image that can be taken, and why the others cannot."""
        protocol, scale = PROTOCOLS[self.task.protocol], self.task.scale
        try:
            return score_outputs(answer, hr, protocol, scale, metrics), {}
        except Exception as problem:
            touch(self.device)  # raises where the device is at fault
            if len(metrics) == 1:
                return {}, {next(iter(metrics)): _why(problem)}
        row: dict[str, float] = {}
        problems: dict[str, str] = {}
        for name, score in metrics.items():
            one, why = self._scores(answer, hr, {name: score})
            row |= one
            problems |= why
        return row, problems

    def save_validation_strip(self) -> None:
        """The picture strip of a search's candidate, which never sees an evaluation set."""
        _, lr, hr = next(with_names(self.task, validation_images(self.task, self.tree)))
        self._save_strip(lr, super_resolve(self.net, lr, self.device), hr)

    def _save_pictures(
        self, manifest: str, n: int, image: str, found: dict[int, Image]
    ) -> list[tuple[str, str, str, str]]:
        saved = []
        for factor, picture in found.items():
            kind = output_name("sr", factor, self.task.scale)
            file = f"{manifest[:12]}-{n}{kind[2:].replace('/', '-')}.png"
            save_picture(Path(self.task.folder) / file, picture)
            saved.append((manifest, image, kind, file))
        return saved

    def _save_strip(self, lr: Image, sr: Image, hr: Image) -> None:
        """Write LR | SR | HR; a strip of an earlier task of the run stays."""
        path = Path(self.task.folder) / STRIP
        if not path.exists():
            save_picture(path, strip(lr, sr, hr))


def _why(problem: Exception) -> str:
    """A failure in a line: what it is, and its message."""
    if isinstance(problem, MemoryError):
        return "the computer's memory is full"
    return (
        str(problem)
        if isinstance(problem, UserError | torch.OutOfMemoryError)
        else (f"{type(problem).__name__}: {first_line(problem)}")
    )


def save_originals(folder: Path, images: Dataset, scale: int) -> list[tuple[str, str, str]]:
    """Write HR and LR of an evaluation set once: (image, kind, file name) of each."""
    found = []
    for n, image in enumerate(images.images[:MAX_PICTURES]):
        for kind, pixels in (("hr", image.hr), ("lr", evaluation_lr(image, scale))):
            file = f"{images.manifest[:12]}-{n}-{kind}.png"
            if not (folder / file).exists():
                save_picture(folder / file, pixels[:])
            found.append((image.name, kind, file))
    return found


def strip(lr: Image, sr: Image, hr: Image, side: int = 128) -> Image:
    """The centre of an image as LR (pixels repeated) | SR | HR, `side` HR pixels each."""
    scale = hr.shape[0] // lr.shape[0]
    repeated = lr.repeat(scale, 0).repeat(scale, 1)
    more = hr.shape[0] // sr.shape[0]  # where the largest output is smaller than HR
    sr = sr.repeat(more, 0).repeat(more, 1)
    top, left = ((n - min(side, n)) // 2 for n in hr.shape[:2])
    cut = np.s_[top : top + side, left : left + side]
    return np.concatenate([repeated[cut], sr[cut], hr[cut]], 1)


def save_picture(path: Path, pixels: Image) -> None:
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, "png", optimize=False)
    write_atomically(path, buffer.getvalue())
