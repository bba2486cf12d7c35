"""The images of a run's tree, decoded once for all runs of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from srbench import slots
from srbench.data.decoded import Dataset, decode
from srbench.data.degradations import Degrade
from srbench.data.patches import with_lr
from srbench.measure.scores import PROTOCOLS, evaluation_lr
from srbench.registry import Choice
from srbench.slots import Image
from srbench.study import Tree, dataset_name
from srbench.study.batches import degradation_of
from srbench.workers.messages import Task


def training_images(tree: Tree, scale: int) -> tuple[Dataset, Degrade | None]:
    """The training images, and what makes LR of each patch; None where they have their LR."""
    images = _decoded(tree.data["train"], "train", scale)
    degrade = degradation_of(tree, scale)
    if degrade is None or getattr(degrade, "random", True):  # drawn anew for each patch
        return images, degrade
    return _with_lr(images, tree.data["degradation"], scale), None


def images_of(task: Task, chosen: Any, split: str) -> Dataset:
    """The images of a dataset as a task writes it, or of the tree's own to validate on."""
    choice = slots.dataset.parse(chosen) if split == "eval" else task.tree.data["validate"]
    return _decoded(choice, split, task.scale)


def evaluation_images(task: Task, chosen: Any, split: str) -> Iterator[tuple[str, Image, Image]]:
    """(name, LR, HR) of each image, LR made once for all runs of this process."""
    images = images_of(task, chosen, split)
    return zip(
        (image.name for image in images.images),
        _evaluation_lrs(images, task.scale, task.protocol),
        (image.hr for image in images.images),
        strict=True,
    )


@lru_cache(maxsize=16)
def _evaluation_lrs(images: Dataset, scale: int, protocol: str) -> tuple[Image, ...]:
    return tuple(evaluation_lr(image, scale, PROTOCOLS[protocol]) for image in images.images)


@lru_cache(maxsize=8)
def _decoded(choice: Choice, split: str, scale: int) -> Dataset:
    return decode(list(choice.build()(split, scale)), dataset_name(choice), split, scale)


@lru_cache(maxsize=8)
def _with_lr(images: Dataset, degradation: Choice, scale: int) -> Dataset:
    """LR made once, of whole images, for all runs of this process."""
    return with_lr(images, degradation.build()(scale), scale)
