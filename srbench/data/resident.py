"""Training images stored on a device, and patches cut there: the same bytes as on the host.

A patch, turned or not, is a walk over the pixels of its image: pixel (i, j) of the patch lies at
start + i * down + j * across. Three integers say where it is, so an epoch goes to the device as a
small table, and one gather cuts a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srbench.core.streams import Streams
from srbench.data.augmentations import Turn
from srbench.data.decoded import Dataset

Integers = NDArray[np.int64]
SHARE = 0.25  # of a device's free memory that images may take


@dataclass(frozen=True)
class Walks:
    """Patches as walks over pixels: start, down and across of each, in pixels."""

    start: Integers  # (count,)
    down: Integers
    across: Integers

    def turned(self, turn: Turn, chosen: NDArray[np.bool_], side: int) -> Walks:
        """The walks of the same patches, those chosen turned."""
        start, down, across = self.start, self.down, self.across
        if turn.kind == "transpose":
            return Walks(start, np.where(chosen, across, down), np.where(chosen, down, across))
        if turn.kind == "hflip":
            start = np.where(chosen, start + (side - 1) * across, start)
            return Walks(start, down, np.where(chosen, -across, across))
        start = np.where(chosen, start + (side - 1) * down, start)
        return Walks(start, np.where(chosen, -down, down), across)

    def columns(self) -> tuple[Integers, Integers, Integers]:
        return self.start, self.down, self.across


@dataclass(frozen=True, eq=False)
class Resident:
    """LR and HR pixels of all images on a device, (pixels, 3) uint8 each, one after another."""

    lr: Tensor
    hr: Tensor
    lr_first: Integers  # where each image begins, in pixels
    hr_first: Integers
    widths: Integers  # of LR images
    scale: int
    side: int  # of LR patches

    def table(self, corners: Integers, turns: Sequence[Turn], drawn: NDArray[np.bool_]) -> Integers:
        """(count, 6): LR start, down, across, then HR's; `corners` as `patches._corners` gives."""
        number, y, x = corners.T
        one, scale, width = np.ones_like(y), self.scale, self.widths[number]
        lr = Walks(self.lr_first[number] + y * width + x, width, one)
        start = self.hr_first[number] + (y * width * scale + x) * scale
        hr = Walks(start, width * scale, one)
        for turn, chosen in zip(turns, drawn.T, strict=True):
            lr = lr.turned(turn, chosen, self.side)
            hr = hr.turned(turn, chosen, self.side * scale)
        return np.column_stack([*lr.columns(), *hr.columns()])

    def cut(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """LR (N, h, w, 3) and HR (N, H, W, 3), uint8, of N rows of a table on the device."""
        return (
            _gather(self.lr, rows[:, :3], self.side),
            _gather(self.hr, rows[:, 3:], self.side * self.scale),
        )


def _gather(pixels: Tensor, walks: Tensor, side: int) -> Tensor:
    steps = torch.arange(side, device=walks.device)
    start, down, across = (walks[:, k, None, None] for k in range(3))  # (N, 1, 1)
    return pixels[start + down * steps[:, None] + across * steps]  # (N, side, side, 3)


def resident(images: Dataset, scale: int, side: int, device: torch.device) -> Resident | None:
    """Images with LR on a device, shared by the runs of a process; None where they do not fit."""
    pixels = _pixels(images, scale, device)
    return None if pixels is None else Resident(*pixels, scale, side)


def release() -> None:
    """Keep no images on devices for runs to come."""
    _pixels.cache_clear()


@lru_cache(maxsize=4)
def _pixels(
    images: Dataset, scale: int, device: torch.device
) -> tuple[Tensor, Tensor, Integers, Integers, Integers] | None:
    """What `Resident` says of pixels, whatever the side of a patch."""
    size = sum(
        image.hr.size + (0 if image.lr is None else image.lr.size) for image in images.images
    )
    if device.type == "cuda" and size > SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    lrs = [image.lr for image in images.images if image.lr is not None]
    if len(lrs) < len(images.images):
        raise ValueError("an image has no LR")
    sides = [lr.shape[:2] for lr in lrs]
    hrs = (image.hr[: scale * h, : scale * w]
           for image, (h, w) in zip(images.images, sides, strict=True))  # fmt: skip
    pixels = np.array([h * w for h, w in sides], np.int64)

    def flat(pictures: Iterable[NDArray[np.uint8]], pixels: Integers) -> Tensor:
        whole = torch.empty((int(pixels.sum()), 3), dtype=torch.uint8, device=device)
        for part, picture in zip(torch.split(whole, pixels.tolist()), pictures, strict=True):
            part.copy_(torch.from_numpy(picture.reshape(-1, 3).copy()))  # one image at a time
        return whole

    first = np.cumsum([0, *pixels])[:-1].astype(np.int64)
    widths = np.array([w for _, w in sides], np.int64)
    of_hr = scale**2
    return (
        flat((lr[:] for lr in lrs), pixels),
        flat(hrs, of_hr * pixels),
        first,
        of_hr * first,
        widths,
    )


def drawn_turns(
    streams: Streams, epoch: int, count: int, turns: Sequence[Turn]
) -> NDArray[np.bool_]:
    """(count, turns): which patches of an epoch are turned, as one by one on the host."""
    found = np.zeros((count, len(turns)), bool)
    if turns:
        for index in range(count):
            generator = streams.generator("augment", epoch, index)
            found[index] = [turn.drawn(generator) for turn in turns]
    return found
