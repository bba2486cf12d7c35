"""One picture through one network: in tiles that overlap, so that memory stays bounded.

Tiles overlap by what one output pixel can see, and begin at multiples of ALIGNED pixels, so that
windows and strides fall as in the whole picture: the result is the whole picture's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image as Picture
from torch import Tensor, nn

from srbench.apply.trained import Network
from srbench.core.arithmetic import full_precision
from srbench.core.errors import InputError
from srbench.core.outputs import largest
from srbench.core.slots import Image
from srbench.data.images import Photograph
from srbench.measure.scores import quantise

ALIGNED = 32  # LR pixels; windows and strides of networks divide it
TILE = 256  # LR pixels
WHOLE = 10**6  # LR pixels that a network without a local view may take at once


@dataclass(frozen=True)
class Cut:
    """How pictures are cut: tiles of `tile` LR pixels with `margin` more on each side.

    `tile` 0 leaves the picture whole; `exact` says whether tiles have to make up the whole.
    """

    tile: int
    margin: int
    exact: bool = True


@dataclass(frozen=True)
class Tile:
    """A square of LR pixels to make (`top`, `left`, `bottom`, `right`), and what is read for it."""

    core: tuple[int, int, int, int]
    read: tuple[int, int, int, int]


def cut_for(network: Network, tile: int | None, height: int, width: int) -> Cut:
    """How to cut a picture of this size, `tile` being what was asked for.

    Raises:
        InputError: each pixel depends on the whole picture, and it is too large for that.
    """
    if tile == 0:
        return Cut(0, 0)
    if network.field is not None:
        return Cut(_aligned(tile or TILE), _aligned(network.field // 2 + 2))
    if tile is not None:
        return Cut(_aligned(tile), ALIGNED, exact=False)
    if height * width > WHOLE:
        raise InputError(
            f"each pixel of {network.name} depends on the whole picture, which is {width}x{height}:"
            f" --tile 512 takes pieces, and the result differs a little; --tile 0 takes it whole, "
            "and much memory"
        )
    return Cut(0, 0)


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


def upscaled(
    network: Network,
    photograph: Photograph,
    cut: Cut,
    *,
    transforms: int = 1,
    device: str = "cpu",
    on_tile: Callable[[int, int], None] = lambda done, count: None,
) -> Picture.Image:
    """The picture `scale` times as large, with its transparency; a grey one stays grey.

    `transforms` 8 is the self-ensemble: the mean over flips and quarter turns.
    `on_tile(done, count)` is called after each tile.

    Raises:
        InputError: the network gives no numbers, or its tiles do not make up the whole.
    """
    lr, s = photograph.rgb, network.scale
    height, width = lr.shape[:2]
    whole = Picture.new("L" if photograph.grey else "RGB", (width * s, height * s))
    todo = tiles(height, width, cut)
    if len(todo) > 1 and cut.exact:
        check_cut(network, lr, cut, device)
    for done, tile in enumerate(todo, 1):
        sr = _tile(network, lr, tile, transforms, device)
        piece = Picture.fromarray(sr)
        top, left = tile.core[:2]
        whole.paste(piece.convert("L") if photograph.grey else piece, (left * s, top * s))
        on_tile(done, len(todo))
    if photograph.alpha is not None:  # colours are the network's, transparency is interpolated
        alpha = Picture.fromarray(photograph.alpha)
        whole.putalpha(alpha.resize(whole.size, Picture.Resampling.BICUBIC))
    return whole


def check_cut(network: Network, lr: Image, cut: Cut, device: str) -> None:
    """Try the cut on a corner of the picture: whole and in tiles it has to be the same.

    Raises:
        InputError: it differs by more than a step of 1/255.
    """
    side = 3 * ALIGNED + 2 * cut.margin
    corner = lr[:side, :side]
    height, width = corner.shape[:2]
    small = tiles(height, width, Cut(ALIGNED, cut.margin))
    [all_of_it] = tiles(height, width, Cut(0, 0))
    whole = _tile(network, corner, all_of_it, 1, device).astype(int)
    s = network.scale
    for tile in small[:: max(len(small) // 5, 1)]:
        top, left, bottom, right = (edge * s for edge in tile.core)
        piece = _tile(network, corner, tile, 1, device)
        apart = int(np.abs(whole[top:bottom, left:right] - piece).max())
        if apart > 1:
            raise InputError(
                f"tiles of {network.name} differ from the whole by {apart}/255: its view is wider "
                "than was measured; --tile 0 takes the picture whole"
            )


def _tile(network: Network, lr: Image, tile: Tile, transforms: int, device: str) -> Image:
    """The SR image of a tile's core, uint8 (H, W, 3)."""
    top, left, bottom, right = tile.read
    x = torch.tensor(lr[top:bottom, left:right], device=device).permute(2, 0, 1)[None]
    with full_precision(), torch.inference_mode():
        y = _mean_over(network.net, x.float() / 255, transforms)  # (1, 3, H, W)
    s, core = network.scale, tile.core
    rows = slice((core[0] - top) * s, (core[2] - top) * s)
    columns = slice((core[1] - left) * s, (core[3] - left) * s)
    try:
        return quantise(y[0, :, rows, columns].permute(1, 2, 0))
    except FloatingPointError:
        raise InputError(f"{network.name} gives NaN for this picture") from None


def _mean_over(net: nn.Module, x: Tensor, transforms: int) -> Tensor:
    """The network's output, averaged over the first `transforms` of flips and turns.

    Timofte et al., Seven ways to improve example-based single image super resolution, 2016.
    https://arxiv.org/abs/1511.02228
    """
    total: Tensor | None = None
    for turn, flip in list(_dihedral())[:transforms]:
        turned = torch.rot90(x, turn, (2, 3))
        y = largest(net(turned.flip(3) if flip else turned))
        y = torch.rot90(y.flip(3) if flip else y, -turn, (2, 3))
        total = y if total is None else total + y
    assert total is not None
    return total / transforms


def _dihedral() -> Iterator[tuple[int, bool]]:
    for flip in (False, True):
        for turn in range(4):
            yield turn, flip


def _aligned(pixels: int) -> int:
    return -(-pixels // ALIGNED) * ALIGNED
