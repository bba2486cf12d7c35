"""Pictures in tiles that overlap, so that memory stays bounded: together they make up the whole.

Tiles overlap by what one output pixel can see, and begin at multiples of ALIGNED pixels, so that
windows and strides fall as in the whole picture. A network may still depend on the size of what it
is given, for instance where features are resized to it: `difference` finds that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from srbench.core.slots import Image

Compute = Callable[[Image], dict[int, Tensor]]
"""Outputs (N, s*H, s*W, 3) by their factor s, for LR images uint8 (N, H, W, 3)."""

ALIGNED = 32  # LR pixels; windows and strides of networks divide it
TILE = 256  # LR pixels


@dataclass(frozen=True)
class Cut:
    """Tiles of `tile` LR pixels with `margin` more on each side; `tile` 0 is the whole image."""

    tile: int
    margin: int


@dataclass(frozen=True)
class Tile:
    """A square of LR pixels to make (`top`, `left`, `bottom`, `right`), and what is read for it."""

    core: tuple[int, int, int, int]
    read: tuple[int, int, int, int]

    def placed(self, factor: int) -> tuple[slice, slice, slice]:
        """Where the core is in outputs of this factor (N, H, W, 3) of the whole image."""
        return self._core_from((0, 0), factor)

    def cropped(self, output: Tensor, factor: int) -> Tensor:
        """The core's part of an output of this factor of what was read."""
        return output[self._core_from(self.read[:2], factor)]

    def _core_from(self, origin: tuple[int, int], factor: int) -> tuple[slice, slice, slice]:
        y, x = origin
        top, left, bottom, right = self.core
        rows = slice((top - y) * factor, (bottom - y) * factor)
        return slice(None), rows, slice((left - x) * factor, (right - x) * factor)


def cut_by(field: int, tile: int = TILE) -> Cut:
    """The cut for a network with this receptive field, in LR pixels."""
    return Cut(aligned(tile), aligned(field // 2 + 2))


def tiles(height: int, width: int, cut: Cut) -> list[Tile]:
    """The tiles of an image of this size, row by row."""
    step = cut.tile or max(height, width)
    found = []
    for top in range(0, height, step):
        for left in range(0, width, step):
            bottom, right = min(top + step, height), min(left + step, width)
            read = (
                max(top - cut.margin, 0), max(left - cut.margin, 0),
                min(bottom + cut.margin, height), min(right + cut.margin, width),
            )  # fmt: skip
            found.append(Tile((top, left, bottom, right), read))
    return found


def in_tiles(
    compute: Compute, lrs: Image, some: list[Tile]
) -> Iterator[tuple[Tile, dict[int, Tensor]]]:
    """Each of some tiles with its outputs, by their factor, for LR images (N, H, W, 3)."""
    for tile in some:
        top, left, bottom, right = tile.read
        found = compute(lrs[:, top:bottom, left:right])
        yield tile, {factor: tile.cropped(y, factor) for factor, y in found.items()}


def joined(compute: Compute, lrs: Image, cut: Cut) -> dict[int, Tensor]:
    """The outputs for whole LR images (N, H, W, 3), computed tile by tile."""
    n, height, width, _ = lrs.shape
    whole: dict[int, Tensor] = {}
    for tile, found in in_tiles(compute, lrs, tiles(height, width, cut)):
        for factor, y in found.items():
            if factor not in whole:
                whole[factor] = y.new_empty((n, factor * height, factor * width, 3))
            whole[factor][tile.placed(factor)] = y
    return whole


def difference(compute: Compute, cut: Cut) -> float:
    """How far outputs of tiles are from those of the whole, tried on a small image of noise.

    The largest difference, as a part of the whole's range of values, or of 1 where that is less.
    Sides of the image are odd, so that nothing divides them.
    """
    side = 3 * ALIGNED + 2 * cut.margin + 5
    noise = np.random.default_rng(0).integers(0, 256, (1, side, side - 6, 3), np.uint8)
    whole = compute(noise)
    some = tiles(side, side - 6, Cut(ALIGNED, cut.margin))
    apart = 0.0
    for tile, found in in_tiles(compute, noise, some[:: max(len(some) // 5, 1)]):
        for factor, y in found.items():
            values = whole[factor]
            span = max(1.0, float(values.max() - values.min()))
            apart = max(apart, float((y - values[tile.placed(factor)]).abs().max()) / span)
    return apart


def aligned(pixels: int) -> int:
    """The next multiple of ALIGNED."""
    return -(-pixels // ALIGNED) * ALIGNED
