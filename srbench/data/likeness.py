"""Whether one image shows what another shows, by their rough brightness.

`alike` finds most LR files that are turned, mirrored or of another image. How LR was made makes no
difference: kernels, noise and exposure hardly change the order of brightness over a grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from srbench.core.slots import Image

CELLS = 8  # of the grid, along a side
SMALLEST = 4 * CELLS  # LR pixels along a side, below which nothing is said
FLAT = 4.0  # grey values: the spread over cells below which nothing is said
NEAR = 3.0  # grey values by which a smaller copy may differ over cells, in the mean
LEAST = 0.5  # correlation; inverted LR is alike


def alike(hr: Image, lr: Image) -> bool:
    """Whether brightness over a grid correlates; True where an image is small or flat."""
    if min(lr.shape[:2]) < SMALLEST:
        return True
    one, other = _cells(hr), _cells(lr)
    if min(one.std(), other.std()) < FLAT:
        return True
    return abs(float(np.corrcoef(one, other)[0, 1])) >= LEAST


def smaller_copies(images: Sequence[Image]) -> dict[int, int]:
    """The images that are others made smaller by a whole factor, each with that other; by place."""
    places = [n for n, image in enumerate(images) if min(image.shape[:2]) >= CELLS]
    cells = np.array([_cells(images[n]) for n in places])
    found: dict[int, int] = {}
    for n, mine in zip(places, cells, strict=True):
        near = np.abs(cells - mine).mean(1) < NEAR
        fitting = (m for m, is_near in zip(places, near, strict=True) if is_near)
        larger = (m for m in fitting if _is_multiple(images[m], images[n]))
        if mine.std() >= FLAT and (one := next(larger, None)) is not None:
            found[n] = one
    return found


def _is_multiple(large: Image, small: Image) -> bool:
    """Whether sides have a whole ratio, but for pixels that a crop to the scale takes."""
    factor = max(1, round(large.shape[0] / small.shape[0]))
    cut = (a // factor - b for a, b in zip(large.shape[:2], small.shape[:2], strict=True))
    return factor > 1 and all(0 <= pixels < CELLS for pixels in cut)


def _cells(image: Image) -> NDArray[np.float64]:
    whole = Picture.fromarray(image).resize((CELLS, CELLS), Picture.Resampling.BOX)
    return np.asarray(whole, np.float64).ravel()
