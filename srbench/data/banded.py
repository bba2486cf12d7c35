"""Cubic resizing of pixels, the same bits on every machine.

A resize matrix is nearly all zeros. Its few taps are summed one after another in a fixed order,
which a matrix product of the BLAS at hand would not promise, and LR files hang on single bits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srbench.core.resample import weights
from srbench.core.slots import Image

Floats = NDArray[np.floating[Any]]
BLOCK = 16  # output lines at a time: what they need stays in the processor's cache


def resize_axis(
    image: Image | Floats,
    axis: int,
    new_size: int,
    *,
    antialias: bool = True,
    a: float = -0.5,
) -> Floats:
    """The image with one axis resized by a cubic kernel; neither rounded nor clipped.

    Sums are taken in the precision of the image, in float64 where it is uint8.
    """
    pixels, amounts = _taps(image.shape[axis], new_size, antialias, a)
    lines = np.ascontiguousarray(np.moveaxis(image, axis, 0))  # (size, ...)
    flat = lines.reshape(len(lines), -1)
    precision = np.float64 if image.dtype == np.uint8 else image.dtype
    result = np.zeros((new_size, flat.shape[1]), precision)
    for start in range(0, new_size, BLOCK):
        block = slice(start, start + BLOCK)
        for pixel, amount in zip(pixels[:, block], amounts[:, block], strict=True):
            result[block] += flat[pixel] * amount[:, None].astype(precision)
    return np.moveaxis(result.reshape(new_size, *lines.shape[1:]), 0, axis)


def round_half_up(values: Floats) -> Image:
    """To uint8: clipped to 0..255, halves upwards, as MATLAB rounds what is not negative."""
    return np.floor(values.clip(0, 255) + 0.5).astype(np.uint8, order="C")


@lru_cache(maxsize=256)
def _taps(
    size: int, new_size: int, antialias: bool, a: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The matrix without its zeros: (taps, new size) source pixels, and their amounts."""
    matrix = weights(size, new_size, antialias=antialias, a=a)
    count = int(np.count_nonzero(matrix, axis=1).max())
    # A stable sort puts each row's taps in front. They are summed from the last to the first,
    # which in float32 gives the very bits of BasicSR's port.
    pixels = np.argsort(matrix == 0, axis=1, kind="stable")[:, :count][:, ::-1]
    return pixels.T, np.take_along_axis(matrix, pixels, 1).T
