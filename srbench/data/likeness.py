"""Whether an LR file shows what its HR image shows, by their rough brightness.

Finds most LR files that are turned, mirrored or of another image. How LR was made makes no
difference: kernels, noise and exposure hardly change the order of brightness over a grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from srbench.core.slots import Image

CELLS = 8  # of the grid, along a side
SMALLEST = 4 * CELLS  # LR pixels along a side, below which nothing is said
FLAT = 4.0  # grey values: the spread over cells below which nothing is said
LEAST = 0.5  # correlation; inverted LR is alike


def alike(hr: Image, lr: Image) -> bool:
    """Whether brightness over a grid correlates; True where an image is small or flat."""
    if min(lr.shape[:2]) < SMALLEST:
        return True
    one, other = _cells(hr), _cells(lr)
    if min(one.std(), other.std()) < FLAT:
        return True
    return abs(float(np.corrcoef(one, other)[0, 1])) >= LEAST


def _cells(image: Image) -> NDArray[np.float64]:
    height, width = (side // CELLS for side in image.shape[:2])
    whole = image[: height * CELLS, : width * CELLS]
    cells = whole.reshape(CELLS, height, CELLS, width, 3)
    means: NDArray[np.float64] = cells.mean((1, 3, 4))  # (CELLS, CELLS)
    return means.ravel()
