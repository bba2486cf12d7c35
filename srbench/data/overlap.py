"""Images that may mislead: trained and judged on, or LR files that are not of their HR images.

Trained and judged on are the same file, the same pixels, or the same but cropped; likely also those
whose thumbnails agree, as of a copy that was compressed again or resized. Pixels are compared after
cropping to the scale, so that copies of one photograph agree.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

import numpy as np

from srbench.data import likeness
from srbench.data.decoded import Dataset, Image
from srbench.data.folders import ImageFile, few
from srbench.data.images import SUFFIXES, read_image

MARGIN = 16  # pixels that a crop to a multiple of a scale (GTmod12) may take from a side
MOST_NAMED = 12
FIRST, LAST = 801, 900  # of DIV2K's validation images, which its archive has beside the others

USES = {
    "train": ("trained on", "training"),
    "validate": ("used by the search to choose", "validation"),
}

Files = tuple[Dataset, Sequence[ImageFile]]


def overlap(trained: Files, judged: Files) -> tuple[str, ...]:
    """Sentences on images that are trained and judged on, and on those that likely are.

    `trained` may be validation images, by which a search chooses.
    """
    of, by = judged[0], trained[0]
    found = _in_both(trained, judged)
    others = [image for image in of.images if image.name not in found]
    likely = likeness.copies(_thumbnails(others), _thumbnails(by.images))
    pairs = [f"{others[n].name} of {by.images[m].name}" for n, m in likely.items()]
    many = f"of {len(of.images)} images of {of.split} {of.name}"
    use, kind = USES[by.split]
    certain = f"{many} are also {use}, in {by.name}"
    doubted = (
        f"{many} look like copies of {kind} images of {by.name} (compressed again, resized or "
        "cropped?)"
    )
    named = {certain: found, doubted: pairs}
    return tuple(f"{len(n)} {text}: {few(n, MOST_NAMED)}" for text, n in named.items() if n)


def _thumbnails(images: Iterable[Image]) -> list[likeness.Thumbnail]:
    return [(image.hr.shape, image.thumbnail) for image in images]


def _in_both(trained: Files, judged: Files) -> list[str]:
    """Names of judged images that are certainly also trained on."""
    paths = _resolved([*trained[1], *judged[1]])
    by_path = {paths[file.hr] for file in trained[1]}
    by_pixels, by_corner = set[str](), defaultdict(list)
    for image, file in _together(trained):
        by_pixels.add(image.sha256)
        for corner in image.corners:
            by_corner[corner].append(file)
    return [
        image.name
        for image, file in _together(judged)
        if paths[file.hr] in by_path
        or image.sha256 in by_pixels
        or any(_is_crop(file, one) for corner in image.corners for one in by_corner[corner])
    ]


def _resolved(files: Iterable[ImageFile]) -> dict[Path, Path]:
    """Each HR file with its path without links; a folder is resolved once."""
    paths = {file.hr for file in files}
    folders = {folder: folder.resolve() for folder in {path.parent for path in paths}}
    return {
        path: path.resolve() if path.is_symlink() else folders[path.parent] / path.name
        for path in paths
    }


def doubts(images: Dataset) -> tuple[str, ...]:
    """Sentences on a set by itself, whose pixels are there."""
    return tuple(filter(None, (unlike(images), doubles(images), smaller_copies(images))))


def unlike(images: Dataset) -> str:
    """A sentence on images whose LR files seem to show something else; empty where none do."""
    found = [image.name for image in images.images if image.unlike]
    if not found:
        return ""
    return (
        f"{len(found)} of {len(images.images)} LR files of {images.split} {images.name} do not "
        f"look like their HR images (turned, mirrored, or of others?): {few(found, MOST_NAMED)}"
    )


def doubles(images: Dataset) -> str:
    """A sentence on images that are there in two formats, as 0001.png and 0001.jpg."""
    by_stem = defaultdict(list)
    for image in images.images:
        if PurePath(image.name).suffix.lower() in SUFFIXES:  # only where stems coincide
            by_stem[PurePath(image.name).with_suffix("")].append(image)
    found = [
        f"{other.name} of {first.name}"
        for first, *others in by_stem.values()
        for other in others
        if likeness.copies(_thumbnails([other]), _thumbnails([first]))
    ]
    if not found:
        return ""
    return (
        f"{len(found)} of {len(images.images)} images of {images.split} {images.name} look like "
        f"copies in another format, and count twice: {few(found, MOST_NAMED)}"
    )


def smaller_copies(images: Dataset) -> str:
    """A sentence on images that are others made smaller, as LR files taken for HR images are."""
    single = [image for image in images.images if image.lr is None]
    found = likeness.smaller_copies([image.hr for image in single])
    if not found:
        return ""
    pairs = [f"{single[n].name} of {single[m].name}" for n, m in found.items()]
    return (
        f"{len(found)} of {len(images.images)} images of {images.split} {images.name} look like "
        f"others made smaller: {few(pairs, MOST_NAMED)}; LR files are named by pairs, or by pattern"
    )


def div2k_validation(trained: Files) -> str:
    """A sentence on DIV2K's validation images among training images; empty where none are."""
    dataset, files = trained
    numbers = {n: file for file in files if (n := _number(file)) is not None}
    found = [f"{n:04d}" for n in sorted(numbers) if FIRST <= n <= LAST]
    named = any(re.search("div2k|df2k", str(file.hr), re.IGNORECASE) for file in files)
    if not found or not (named or (min(numbers) < FIRST and max(numbers) <= LAST)):
        return ""
    return (
        f"{len(found)} images of train {dataset.name} are named as DIV2K's validation images, on "
        f"which networks are compared: {few(found, MOST_NAMED)}"
    )


def _number(file: ImageFile) -> int | None:
    """The number of an image of DIV2K, or of a piece of one (0801_s001.png)."""
    found = re.match(r"(\d{4})(?!\d)", file.hr.stem)
    return int(found[1]) if found else None


def _together(files: Files) -> Iterable[tuple[Image, ImageFile]]:
    by_name = {file.name: file for file in files[1]}
    return ((image, by_name[image.name]) for image in files[0].images)


def _is_crop(one: ImageFile, other: ImageFile) -> bool:
    """Whether two files have the same pixels where both have any, and nearly the same size."""
    if one.side or one.resize or other.side or other.resize:
        return False
    a, b = read_image(one.hr), read_image(other.hr)
    height, width = (min(x, y) for x, y in zip(a.shape[:2], b.shape[:2], strict=True))
    near = all(abs(x - y) < MARGIN for x, y in zip(a.shape[:2], b.shape[:2], strict=True))
    return near and np.array_equal(a[:height, :width], b[:height, :width])
