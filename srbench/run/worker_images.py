"""The images of a run's tree, decoded once for all runs of a worker."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from srbench.core import slots
from srbench.core.errors import InputError, UserError
from srbench.core.registry import Choice
from srbench.core.slots import Image
from srbench.data.decoded import Dataset, decode, signature
from srbench.data.degradations import Degrade
from srbench.data.folders import ImageFile
from srbench.data.patches import with_lr, with_missing_lr
from srbench.data.shared import shared
from srbench.measure.scores import PROTOCOLS, evaluation_lr
from srbench.run.messages import Task
from srbench.study.batches import degradation_of
from srbench.study.identity import digest
from srbench.study.tree import Tree, dataset_name


class Changed(InputError):
    """What a run was planned with is not what is here now."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} have changed since the runs were planned; the same command plans them anew"
        )


class ImagesChanged(Changed):
    """The images that were planned are not here."""


_lent: dict[str, list[ImageFile]] | None = None
"""Files of each set as this process got them; None where it has those that were planned."""
_packed: bytes | None = None  # what they came as


def use_lent(images: bytes | None) -> None:
    """Take sets from files that came from the machine of the plan: `lent_images` packs them.

    With empty `images` none have come; a set that is missing here is then asked for.
    """
    global _lent, _packed
    if images is not None and images != _packed:
        _packed = images
        _lent = pickle.loads(images) if images else {}
        _decoded.cache_clear()


def key_of(choice: Choice, split: str, scale: int) -> str:
    """The name of a set among those that are lent."""
    return digest([choice.to_json(), split, scale])


def training_images(task: Task, tree: Tree, scale: int) -> tuple[Dataset, Degrade | None]:
    """The training images, and what makes LR of each patch; None where they have their LR."""
    images = _decoded(tree.data["train"], "train", scale)
    if scale == task.scale:
        _hold(images, task.images["train"])
    degrade = degradation_of(tree, scale)
    if degrade is None or getattr(degrade, "random", True):  # drawn anew for each patch
        return images, degrade
    fill = with_missing_lr if tree.data["lr"] == "auto" else with_lr
    return _filled(images, tree.data["degradation"], scale, fill), None


def validation_images(task: Task, tree: Tree) -> Dataset:
    """The images that a training is validated on."""
    return _hold(_decoded(tree.data["validate"], "validate", task.scale), task.images["validate"])


def evaluation_images(task: Task, manifest: str, chosen: Any) -> Dataset:
    """One of the task's evaluation sets."""
    return _hold(_decoded(slots.dataset.parse(chosen), "eval", task.scale), manifest)


def with_names(task: Task, images: Dataset) -> Iterator[tuple[str, Image, Image]]:
    """(name, LR, HR) of each image, LR made once for all runs of this process."""
    return zip(
        (image.name for image in images.images),
        _evaluation_lrs(images, task.scale, task.protocol),
        (image.hr for image in images.images),
        strict=True,
    )


def _hold(images: Dataset, manifest: str) -> Dataset:
    """The images, if they are those planned; of what is not trained none were."""
    if manifest and images.manifest != manifest:
        raise ImagesChanged(f"the images of {images.name}")
    return images


@lru_cache(maxsize=16)
def _evaluation_lrs(images: Dataset, scale: int, protocol: str) -> tuple[Image, ...]:
    return tuple(evaluation_lr(image, scale, PROTOCOLS[protocol]) for image in images.images)


@lru_cache(maxsize=8)
def _decoded(choice: Choice, split: str, scale: int) -> Dataset:
    files = _files(choice, split, scale)
    key = digest([signature(files), choice.to_json(), split, scale])
    return shared(key, lambda: decode(files, dataset_name(choice), split, scale))


def _files(choice: Choice, split: str, scale: int) -> list[ImageFile]:
    if _lent is None:
        return list(choice.build()(split, scale))
    if lent := _lent.get(key_of(choice, split, scale)):
        return lent
    try:
        return list(choice.build()(split, scale))
    except UserError:
        raise ImagesChanged(f"the images of {dataset_name(choice)}") from None


@lru_cache(maxsize=8)
def _filled(
    images: Dataset,
    degradation: Choice,
    scale: int,
    fill: Callable[[Dataset, Degrade, int], Dataset],
) -> Dataset:
    """LR made once, of whole images, for all runs of this process."""
    return fill(images, degradation.build()(scale), scale)
