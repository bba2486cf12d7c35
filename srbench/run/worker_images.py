"""The images of a run's tree, decoded once for all workers of a machine."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from srbench.core import slots
from srbench.core.errors import InputError, UserError
from srbench.core.registry import Choice
from srbench.core.slots import Image as Pixels
from srbench.data.decoded import Dataset, Image, decode
from srbench.data.degradations import Degrade, shrink
from srbench.data.folders import ImageFile
from srbench.data.patches import NO_DRAW
from srbench.data.shared import Keep, shared, shared_set, sweep
from srbench.measure.scores import PROTOCOLS, evaluation_lr
from srbench.run.lent_images import INDEX, lent
from srbench.run.messages import Task
from srbench.study.batches import degradation_of
from srbench.study.decoding import decoding_key
from srbench.study.identity import code_digest, digest
from srbench.study.tree import Tree, dataset_name


class Changed(InputError):
    """What a run was planned with is not what is here now."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} have changed since the runs were planned; the same command plans them anew"
        )


class ImagesChanged(Changed):
    """The images that were planned are not here."""


_borrowed: tuple[Path, bool] | None = None
"""The folder of images from elsewhere, and whether they have come; None: all images are here."""


def borrow(folder: str | None) -> None:
    """Where images from the machine of the plan are, or will be, for a set that is missing here."""
    global _borrowed
    now = (Path(folder), (Path(folder) / INDEX).exists()) if folder is not None else None
    if now != _borrowed:
        _borrowed = now
        _decoded.cache_clear()


def training_images(task: Task, tree: Tree, scale: int) -> tuple[Dataset, Degrade | None]:
    """The training images, and what makes LR of each patch; None where they have their LR."""
    images = _decoded(tree.data["train"], "train", scale)
    if scale == task.scale:
        _hold(images, task.images["train"])
    degrade = degradation_of(tree, scale)
    if degrade is None or getattr(degrade, "random", True):  # drawn anew for each patch
        return images, degrade
    auto = tree.data["lr"] == "auto"
    bare = tuple(image for image in images.images if image.lr is None or not auto)
    return _filled(images, bare, tree.data["degradation"], scale), None


def validation_images(task: Task, tree: Tree) -> Dataset:
    """The images that a training is validated on."""
    return _hold(_decoded(tree.data["validate"], "validate", task.scale), task.images["validate"])


def evaluation_images(task: Task, manifest: str, chosen: Any) -> Dataset:
    """One of the task's evaluation sets."""
    return _hold(_decoded(slots.dataset.parse(chosen), "eval", task.scale), manifest)


def with_names(task: Task, images: Dataset) -> Iterator[tuple[str, Pixels, Pixels]]:
    """(name, LR, HR) of each image, LR made once for all workers."""
    lrs = _evaluation_lrs(images, task.scale, task.protocol)
    for image, lr in zip(images.images, lrs, strict=True):
        yield image.name, lr[:], image.hr[:]


def _hold(images: Dataset, manifest: str) -> Dataset:
    """The images, if they are those planned; of what is not trained none were."""
    if manifest and images.manifest != manifest:
        raise ImagesChanged(f"the images of {images.name}")
    return images


@lru_cache(maxsize=16)
def _evaluation_lrs(images: Dataset, scale: int, protocol: str) -> tuple[Pixels, ...]:
    """LR of each image, made once for all workers."""
    taken = PROTOCOLS[protocol]
    bare = tuple(image for image in images.images if image.lr is None)
    made = _made(bare, [taken.lr, scale], lambda image: evaluation_lr(image, scale, taken))
    return tuple(made[i.name] if i.lr is None else i.lr for i in images.images)


@lru_cache(maxsize=8)
def _decoded(choice: Choice, split: str, scale: int) -> Dataset:
    files, name = _files(choice, split, scale), dataset_name(choice)
    by_name = {file.name: file for file in files}
    return shared_set(
        decoding_key(files, choice, split, scale),
        lambda keep: decode(files, name, split, scale, keep),
        lambda image: decode([by_name[image]], name, split, scale).images[0],
    )


def _files(choice: Choice, split: str, scale: int) -> list[ImageFile]:
    if _borrowed is None:
        return list(choice.build()(split, scale))
    found = lent(_borrowed[0], choice, split, scale)
    if found is not None:
        return found
    try:
        return list(choice.build()(split, scale))
    except UserError:
        raise ImagesChanged(f"the images of {dataset_name(choice)}") from None


@lru_cache(maxsize=8)
def _filled(images: Dataset, bare: tuple[Image, ...], degradation: Choice, scale: int) -> Dataset:
    """The images, those in `bare` with LR made of whole ones, once for all workers."""
    degrade = degradation.build()(scale)
    key = [degradation.to_json(), scale]
    made = _made(bare, key, lambda image: shrink(degrade, image.hr[:], scale, NO_DRAW))
    filled = (replace(i, lr=made.get(i.name, i.lr)) for i in images.images)
    return replace(images, images=tuple(filled))


def _made(
    images: tuple[Image, ...], by: list[Any], make: Callable[[Image], Pixels]
) -> dict[str, Pixels]:
    """LR of images by name; `by` says what makes it."""
    if not images:
        return {}
    sources = [(image.name, image.sha256) for image in images]
    key = digest([sources, by, code_digest(), np.__version__])

    def kept(image: Image, keep: Keep) -> int:
        return keep([make(image)], lambda: [make(image)])

    _, lrs = shared(key, lambda keep: [kept(image, keep) for image in images])
    return {image.name: lr for image, lr in zip(images, lrs, strict=True)}


def release() -> None:
    """Use no decoded image any more, and delete the files that no other process uses."""
    for function in (_evaluation_lrs, _decoded, _filled):
        function.cache_clear()
    gc.collect()  # runs that have ended may still refer to them
    sweep()
