"""Sets made of sets: squares of each image at places drawn once, or each image as one square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from srbench.core.registry import Positive, Range
from srbench.core.slots import Dataset, dataset
from srbench.data.datasets import photos
from srbench.data.folders import ImageFile


@dataset.register("crops")
def crops(
    split: str,
    scale: int,
    *,
    of: Dataset = photos,
    patches_per_image: Positive = 8,
    side: Annotated[int, Range(16, 4096)] = 96,
) -> Sequence[ImageFile]:
    """`patches_per_image` squares of `side` HR pixels of every image of another set.

    For `validate` and `eval`, where they are a steadier estimate than one patch. A place depends
    on the patch's name alone, so all runs are tested on the same pixels.

    of                 the dataset that squares are cut from
    patches_per_image  squares of each image
    side               side of a square in HR pixels

    Junkins, Math foundations: exercise 6, 2024, where each image gives 8. Ours in how it draws.
    """
    digits = len(str(patches_per_image))
    return [
        replace(file, name=f"{file.name}-{n:0{digits}d}", side=side)
        for file in of(split, scale)
        for n in range(1, patches_per_image + 1)
    ]


@dataset.register("resized")
def resized(
    split: str,
    scale: int,
    *,
    of: Dataset = photos,
    side: Annotated[int, Range(16, 4096)] = 288,
) -> Sequence[ImageFile]:
    """Every image of another set as a square of `side` HR pixels, its proportions lost.

    LR is made from the square, whatever LR the set has.

    of    the dataset whose images are resized
    side  side of the square in HR pixels

    Practical deep learning workshop 4, image super-resolution exercise: 288, 144 and 72. Ours in
    its kernel, which is Pillow's bicubic.
    """
    return [replace(file, resize=side, lr=None) for file in of(split, scale)]
