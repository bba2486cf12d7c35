"""A set without its small images, which large patches do not fit into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from srbench.core.errors import InputError, StudyError
from srbench.core.registry import Range
from srbench.core.slots import Dataset, dataset
from srbench.data.datasets import photos
from srbench.data.folders import ImageFile
from srbench.data.images import size_of

ANY = 10**6  # pixels


@dataset.register("large_enough")
def large_enough(
    split: str,
    scale: int,
    *,
    of: Dataset = photos,
    side: Annotated[int, Range(4, 4096)] = 128,
) -> Sequence[ImageFile]:
    """The images of another set whose sides are both `side` HR pixels or more; others left out.

    Sides count as training has them, cut to a multiple of the scale.

    of    the dataset that images are taken from
    side  shortest side in HR pixels that an image may have

    Ours.
    """
    files = list(of(split, scale))
    found = [file for file in files if _side(file, scale) >= side]
    if not found:
        raise StudyError(f"large_enough: none of {len(files)} images has sides of {side} pixels")
    return found


def _side(file: ImageFile, scale: int) -> int:
    """The shorter side of an image as it will be decoded."""
    if file.side or file.resize:
        return file.side or file.resize or 0
    try:
        return min(side // scale * scale for side in size_of(file.hr))
    except InputError:
        return ANY  # decoding names all that are broken at once
