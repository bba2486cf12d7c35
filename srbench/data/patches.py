"""The batches of a training: pairs of LR and HR patches, cut from decoded images.

A batch is a pure function of (streams, epoch, step): there is no position to save, and all
variants of a seed see the same patches. `fixed` cuts the patches once, at epoch 0, and only
reshuffles them; otherwise every epoch cuts anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srbench.core.errors import StudyError
from srbench.core.slots import Image as Pixels
from srbench.core.streams import Streams
from srbench.data.augmentations import Augment, Turn
from srbench.data.decoded import Dataset, Image
from srbench.data.degradations import Degrade, shrink
from srbench.data.folders import few
from srbench.data.resident import Resident, drawn_turns, resident

POOL_BYTES = 2**30  # fixed patches are cached up to this size, else cut again each time
_PATCH = ("data", "patch")  # where a study says it
NO_DRAW = np.random.default_rng(0)  # for degradations that do not draw

Pair = tuple[Pixels, Pixels]


def with_lr(dataset: Dataset, degrade: Degrade, scale: int) -> Dataset:
    """The dataset with LR images made by a deterministic degradation, of whole images.

    Runs of one process may share it: `Patches(with_lr(...), None, ...)`.
    """
    images = tuple(
        replace(image, lr=shrink(degrade, image.hr[:], scale, NO_DRAW)) for image in dataset.images
    )
    return replace(dataset, images=images)


def _others(images: Sequence[Image]) -> str:
    names = few([image.name for image in images[1:]])
    return f", likewise {names}" if names else ""


@dataclass(frozen=True, eq=False)
class Patches:
    """Batches of `batch` pairs, `count` pairs an epoch; `patch` is the HR side in pixels.

    `degrade` None means the dataset's own LR images. A degradation that is not random is
    applied once to whole images and LR is cut from these, as the field does; a random one
    is applied to each HR patch. Images are drawn as often as their weights say.

    Raises:
        StudyError: an image is smaller than the patch or has no LR, or the numbers do not fit.
    """

    dataset: Dataset
    degrade: Degrade | None
    augmentations: Sequence[Augment]
    _: KW_ONLY
    scale: int
    patch: int
    count: int
    batch_size: int
    fixed: bool
    streams: Streams

    def __post_init__(self) -> None:
        if self.patch < self.scale or self.patch % self.scale:
            raise StudyError(
                f"patch {self.patch} is not a multiple of the scale, {self.scale}", _PATCH
            )
        if min(self.count, self.batch_size) < 1:
            raise StudyError(f"patches {self.count}, batch {self.batch_size}: both are 1 or more")
        small = [i for i in self.dataset.images if min(i.hr.shape[:2]) < self.patch]
        if small:
            raise StudyError(
                f"{self.dataset.name}: {small[0].name} has {small[0].size} pixels, too few for a "
                f"patch of {self.patch}x{self.patch}{_others(small)}; take smaller patches or "
                "larger images, or leave small ones out (large_enough)",
                _PATCH,
            )
        bare = [i for i in self.dataset.images if self.degrade is None and i.lr is None]
        if bare:
            raise StudyError(
                f"{self.dataset.name}: {bare[0].name} has no LR file of its own{_others(bare)}",
                ("data", "lr"),
            )

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return -(-self.count // self.batch_size)

    def batch(self, epoch: int, step: int) -> Pair:
        """LR (N, h, w, 3) and HR (N, H, W, 3), uint8, for a step counted within its epoch."""
        order = _order(self.streams, epoch, self.count)
        chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
        if step < 0 or not len(chosen):
            raise IndexError(f"step {step} of {self.steps_per_epoch}")
        side = self.patch // self.scale
        lr = np.empty((len(chosen), side, side, 3), np.uint8)
        hr = np.empty((len(chosen), self.patch, self.patch, 3), np.uint8)
        for n, index in enumerate(map(int, chosen)):
            lr[n], hr[n] = self._augmented(self._pair(epoch, index), epoch, index)
        return lr, hr

    def on_device(self, device: torch.device) -> DevicePatches | None:
        """The same patches cut on a device, where that is possible.

        Not where LR is drawn for each patch, an augmentation is more than a turn, or the images
        do not fit.
        """
        turns = tuple(a for a in self.augmentations if isinstance(a, Turn))
        if self._per_patch is not None or len(turns) < len(self.augmentations):
            return None
        found = resident(self._paired, self.scale, self.patch // self.scale, device)
        return None if found is None else DevicePatches(self, found, turns)

    def _pair(self, epoch: int, index: int) -> Pair:
        return self._pool[index] if self._pool else self._cut(0 if self.fixed else epoch, index)

    def _cut(self, epoch: int, index: int) -> Pair:
        """Patch number `index` of an epoch, before augmentation."""
        corners = _corners(
            self.streams, epoch, self.count, self._weights, self._room  # in LR pixels, so that
        )  # fmt: skip
        number, down, across = map(int, corners[index])  # HR is cut on the same grid
        image: Image = self._images[number]
        y, x = down * self.scale, across * self.scale
        hr = image.hr[y : y + self.patch, x : x + self.patch]
        if self._per_patch is not None:
            generator = self.streams.generator("degrade", epoch, index)
            return shrink(self._per_patch, hr, self.scale, generator), hr
        assert image.lr is not None  # given, or made by _images
        side = self.patch // self.scale
        return image.lr[down : down + side, across : across + side], hr

    def _augmented(self, pair: Pair, epoch: int, index: int) -> Pair:
        if self.augmentations:
            generator = self.streams.generator("augment", epoch, index)
            for augment in self.augmentations:
                pair = augment(*pair, generator)
        return pair

    @cached_property
    def _per_patch(self) -> Degrade | None:
        # A plain function that does not say whether it draws is taken for one that does.
        return self.degrade if getattr(self.degrade, "random", True) else None

    @cached_property
    def _paired(self) -> Dataset:
        """The images, with LR if it is made of whole ones; one value, which stays on devices."""
        if self.degrade is None or self._per_patch is not None:
            return self.dataset
        return with_lr(self.dataset, self.degrade, self.scale)

    @cached_property
    def _images(self) -> tuple[Image, ...]:
        return self._paired.images

    @cached_property
    def _weights(self) -> tuple[float, ...]:
        return tuple(image.weight for image in self.dataset.images)

    @cached_property
    def _room(self) -> tuple[tuple[int, int], ...]:
        """How many places a patch has in each image, down and across, on the grid of LR pixels."""
        return tuple(
            (
                (image.hr.shape[0] - self.patch) // self.scale + 1,
                (image.hr.shape[1] - self.patch) // self.scale + 1,
            )
            for image in self.dataset.images
        )

    @cached_property
    def _pool(self) -> list[Pair]:
        """All fixed patches, cut once; empty where they are cut each time."""
        if not self.fixed or self.count * self.patch**2 * 3 > POOL_BYTES:
            return []
        return [self._cut(0, index) for index in range(self.count)]


@lru_cache(maxsize=8)
def _order(streams: Streams, epoch: int, count: int) -> NDArray[np.int64]:
    return streams.generator("order", epoch, "shuffle").permutation(count)


@dataclass(frozen=True, eq=False)
class DevicePatches:
    """The patches of `patches`, to be cut on the device of its images."""

    patches: Patches
    images: Resident
    turns: tuple[Turn, ...]

    def table(self, epoch: int) -> NDArray[np.int64]:
        """An epoch's patches in its order, as rows that `cut` understands."""
        p = self.patches
        cut_in = 0 if p.fixed else epoch
        corners = _corners(p.streams, cut_in, p.count, p._weights, p._room)
        drawn = drawn_turns(p.streams, epoch, p.count, self.turns)
        table: NDArray[np.int64] = self.images.table(corners, self.turns, drawn)
        return table[_order(p.streams, epoch, p.count)]

    def cut(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """LR (N, h, w, 3) and HR (N, H, W, 3), uint8, on the device."""
        return self.images.cut(rows)


@lru_cache(maxsize=8)
def _corners(
    streams: Streams,
    epoch: int,
    count: int,
    weights: tuple[float, ...],
    room: tuple[tuple[int, int], ...],
) -> NDArray[np.int64]:
    """For each patch: its image's number, and its corner down and across in LR pixels."""
    places = _places(streams, epoch, count, weights)
    number = places[:, 0].astype(np.int64)
    return np.column_stack([number, (places[:, 1:] * np.array(room)[number]).astype(np.int64)])


def _places(
    streams: Streams, epoch: int, count: int, weights: tuple[float, ...]
) -> NDArray[np.float64]:
    """For each patch: its image's number, and its place down and across as fractions in [0, 1).

    Each image gets its share of the patches, rounded down; what is left is drawn.
    """
    share = np.array(weights) / sum(weights) * count
    whole = np.floor(share + 1e-9).astype(int)
    left = count - int(whole.sum())
    numbers = np.repeat(np.arange(len(weights)), whole)
    if left:
        spare = np.clip(share - whole, 1e-12, None)
        drawn = streams.generator("order", epoch, "images").choice(
            len(weights), left, replace=False, p=spare / spare.sum()
        )
        numbers = np.concatenate([numbers, drawn])
    where = streams.generator("crop", epoch).random((count, 2))
    return np.column_stack([numbers, where])
