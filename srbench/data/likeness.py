"""Whether one image shows what another shows, by their rough brightness.

`alike` finds most LR files that are turned, mirrored or of another image. How LR was made makes no
difference: kernels, noise and exposure hardly change the order of brightness over a grid.

`copies` finds images that were compressed again, resized, or cropped by a few pixels. Measured on
the 295 photographs of T91, BSDS200 and Set5: at JPEG 30 to 90, or resized by 1/3 to 2, every copy
correlates above 0.98, cut to a multiple of 4 99 % above 0.95, and different photographs below 0.64,
48-pixel crops of them below 0.953.
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
SIDE = 16  # of a thumbnail
SAME = 0.95  # correlation of thumbnails
PROPORTIONS = 0.05  # by which those of a copy may differ, relatively

Thumbnail = tuple[tuple[int, ...], str]
"""The shape of an image, and what `thumbnail` made of it."""


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
    shapes = np.array([images[n].shape[:2] for n in places]).reshape(-1, 2)
    larger = {shape: _are_multiples(shapes, shape) for shape in set(map(tuple, shapes.tolist()))}
    cells = {n: _cells(images[n]) for n in places if len(larger) > 1}
    means = np.array([mine.mean() for mine in cells.values()])
    found: dict[int, int] = {}
    for n, mine in cells.items():
        if mine.std() < FLAT:
            continue
        near = np.abs(means - mine.mean()) < NEAR  # the difference of means is the least
        fitting = (places[m] for m in np.flatnonzero(near & larger[images[n].shape[:2]]))
        one = next((m for m in fitting if np.abs(cells[m] - mine).mean() < NEAR), None)
        if one is not None:
            found[n] = one
    return found


def _are_multiples(shapes: NDArray[np.int64], small: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which shapes have a whole ratio to another, but for pixels that a crop to the scale takes."""
    factor = np.maximum(1, np.rint(shapes[:, :1] / small[0])).astype(int)  # (N, 1)
    cut = shapes // factor - np.array(small)  # (N, 2)
    fits: NDArray[np.bool_] = (factor[:, 0] > 1) & ((cut >= 0) & (cut < CELLS)).all(1)
    return fits


def _cells(image: Image) -> NDArray[np.float64]:
    whole = Picture.fromarray(image).resize((CELLS, CELLS), Picture.Resampling.BOX)
    return np.asarray(whole, np.float64).ravel()


def thumbnail(image: Image) -> str:
    """Brightness over a grid of SIDE x SIDE, 8 bits each, as hexadecimal digits."""
    small = Picture.fromarray(image).resize((SIDE, SIDE), Picture.Resampling.BOX)
    return small.convert("L").tobytes().hex()


def copies(judged: Sequence[Thumbnail], trained: Sequence[Thumbnail]) -> dict[int, int]:
    """The judged images that seem to be copies of trained ones, each with that one; by place.

    Thumbnails correlate without their mean and slope: those of skies and walls are alike. Nothing
    is said of flat images and of those below SIDE pixels.
    """
    if not judged or not trained:
        return {}
    ours, theirs = _normalised(judged), _normalised(trained)
    shapes = np.log([shape[1] / shape[0] for shape, _ in trained])
    found: dict[int, int] = {}
    for n, (shape, _) in enumerate(judged):
        fits = np.abs(shapes - np.log(shape[1] / shape[0])) < PROPORTIONS
        likeness = np.where(fits, theirs @ ours[n], 0.0)
        if likeness.max() >= SAME:
            found[n] = int(likeness.argmax())
    return found


def _normalised(thumbnails: Sequence[Thumbnail]) -> NDArray[np.float64]:
    """Thumbnails of mean 0, slope 0 and length 1; zeros where nothing is said. (N, SIDE²)"""
    grey = np.frombuffer(bytes.fromhex("".join(text for _, text in thumbnails)), np.uint8)
    cells = grey.reshape(-1, SIDE * SIDE).astype(np.float64)
    y, x = np.indices((SIDE, SIDE)).reshape(2, -1)
    plane, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y], 1).astype(np.float64))
    cells -= cells @ plane @ plane.T
    smallest = np.array([min(shape[:2]) for shape, _ in thumbnails])
    spread = cells.std(1)
    said = (smallest >= SIDE) & (spread >= FLAT)
    cells *= (said / (SIDE * np.maximum(spread, FLAT)))[:, None]
    return cells
