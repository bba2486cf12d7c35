"""Resizing as a matrix: one row of weights for each output pixel.

Both axes of an image are resized by such a matrix, `rows @ image @ columns.T`; interpolation
baselines, global residuals and degradations all take theirs from here.
Method: MATLAB's imresize (kernel widened when shrinking, weights normalised for each output pixel,
border mirrored with the edge pixel repeated); Keys, Cubic convolution interpolation for digital
image processing, 1981. https://doi.org/10.1109/TASSP.1981.1163711
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kernel = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Weights = NDArray[np.float64]


@lru_cache(maxsize=256)
def weights(
    size: int, new_size: int, kernel: Kernel = "bicubic", *, antialias: bool = True, a: float = -0.5
) -> Weights:
    """The matrix (new_size, size) that resizes one axis.

    `antialias` widens the kernel when shrinking; `a` is the cubic's parameter: -0.5 in MATLAB
    and in the field's datasets, -0.75 in torch and OpenCV without antialiasing.
    """
    ratio = new_size / size
    stretch = min(ratio, 1.0) if antialias else 1.0
    shape, support = _shape(kernel, a)
    centre = (np.arange(new_size) + 0.5) / ratio - 0.5
    width = support / stretch
    if kernel == "nearest":  # round half down, as MATLAB: the pixel whose area holds the centre
        nearest = np.clip(np.floor(centre + 0.5 - 1e-9).astype(int), 0, size - 1)
        return _frozen(np.eye(size)[nearest])
    first = np.floor(centre - width).astype(int)
    taps = first[:, None] + np.arange(int(np.ceil(2 * width)) + 2)
    amounts = shape((centre[:, None] - taps) * stretch)
    amounts /= amounts.sum(1, keepdims=True)
    mirrored = np.abs((taps + 0.5) % (2 * size) - size)  # distance from the far edge, repeating
    pixel = np.clip((size - mirrored).astype(int), 0, size - 1)
    matrix = np.zeros((new_size, size))
    np.add.at(matrix, (np.arange(new_size)[:, None], pixel), amounts)
    return _frozen(matrix)


def _frozen(matrix: Weights) -> Weights:
    matrix.setflags(write=False)  # read-only, for it is cached
    return matrix


def _shape(kernel: Kernel, a: float) -> tuple[Callable[[Weights], Weights], float]:
    """The kernel as a function of distance, and half its width, in pixels."""
    if kernel == "bicubic":
        return lambda x: _cubic(np.abs(x), a), 2.0
    if kernel == "lanczos":
        return lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0), 3.0
    return lambda x: np.maximum(0.0, 1 - np.abs(x)), 1.0


def _cubic(x: Weights, a: float) -> Weights:
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
