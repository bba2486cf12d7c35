"""One picture through one network, tile by tile: the result is the whole picture's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PIL import Image as Picture

from srbench.apply.trained import Network
from srbench.core.errors import InputError
from srbench.data.images import Photograph
from srbench.measure.forward import Forward, local_field, quantise, whole_outputs
from srbench.measure.tiles import (
    ALIGNED,
    TILE,
    Cut,
    aligned,
    cut_by,
    in_tiles,
    tiles,
)

WHOLE = 10**6  # LR pixels that a network without a local view may take at once


def cut_for(network: Network, tile: int | None, height: int, width: int) -> Cut:
    """How to cut a picture of this size, `tile` being what was asked for.

    Raises:
        InputError: tiles would differ from the whole picture, and it is too large to stay whole.
    """
    if tile == 0 or max(height, width) <= (tile or TILE):
        return Cut(0, 0)
    field = local_field(network.net)
    if field is not None:
        return cut_by(field, tile or TILE)
    if tile is not None:
        return Cut(aligned(tile), ALIGNED)
    if height * width > WHOLE:
        raise InputError(
            f"each pixel of {network.name} depends on the whole picture or its size, "
            f"{width}x{height}: --tile 512 takes pieces, and the result differs a little; --tile 0 "
            "takes it whole, and much memory"
        )
    return Cut(0, 0)


def upscaled(
    network: Network,
    photograph: Photograph,
    cut: Cut,
    *,
    forward: Forward = whole_outputs,
    device: str = "cpu",
    on_tile: Callable[[int, int], None] = lambda done, count: None,
) -> Picture.Image:
    """The picture `scale` times as large, with its transparency; a grey one stays grey.

    `forward` takes network, LR images and device; `on_tile(done, count)` is called after each tile.

    Raises:
        InputError: the network gives NaN.
    """
    lr, s = photograph.rgb, network.scale
    height, width = lr.shape[:2]
    compute = partial(forward, network.net, device=device)
    todo = tiles(height, width, cut)
    whole = Picture.new("L" if photograph.grey else "RGB", (width * s, height * s))
    for done, (tile, found) in enumerate(in_tiles(compute, lr[None], todo), 1):
        try:
            piece = Picture.fromarray(quantise(found[s][0]))
        except FloatingPointError:
            raise InputError(f"{network.name} gives NaN for this picture") from None
        top, left = tile.core[:2]
        whole.paste(piece.convert("L") if photograph.grey else piece, (left * s, top * s))
        on_tile(done, len(todo))
    if photograph.alpha is not None:  # colours are the network's, transparency is interpolated
        alpha = Picture.fromarray(photograph.alpha)
        whole.putalpha(alpha.resize(whole.size, Picture.Resampling.BICUBIC))
    return whole
