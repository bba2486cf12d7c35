"""What a set makes of the files it is given: used, converted, refused with reasons, or not used.

For a folder as a disk has it, where a study would refuse the whole for some files. Large sets are
read image by image, without keeping pixels.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from srbench.core.errors import InputError
from srbench.data.decoded import (
    Dataset,
    Image,
    by_reason,
    decode_each,
    manifest,
    manifest_row,
    without_pixels,
)
from srbench.data.folders import ImageFile, is_hidden
from srbench.data.images import SUFFIXES, conversions, size_of

KEPT_MEGAPIXELS = 300  # of sets whose pixels are kept
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True, eq=False)
class Survey:
    """The images of a set that can be used, and what becomes of the files."""

    images: Dataset
    pixels: bool  # whether the images have theirs; of large sets they are black
    converted: dict[str, int]
    refused: list[tuple[str, list[str]]]  # reason, files
    unused: dict[str, int]

    @property
    def refusals(self) -> int:
        """How many images are refused."""
        return sum(len(files) for _, files in self.refused)


def survey(
    files: Sequence[ImageFile], name: str, split: str, scale: int, folders: Iterable[Path]
) -> Survey:
    """Read every image; `folders` are those whose other files are counted as not used."""
    headers = {file.name: found for file in files if (found := _header(file)) is not None}
    kept = sum(w * h for (w, h), _ in headers.values()) <= KEPT_MEGAPIXELS * 10**6

    def take(image: Image) -> tuple[Image, tuple[object, ...]]:
        return image if kept else without_pixels(image), manifest_row(image)

    tried = decode_each(files, scale, take)
    refused = by_reason(one for one in tried if isinstance(one, InputError))
    usable = sorted(
        (one for one in tried if not isinstance(one, InputError)), key=lambda one: one[0].name
    )
    images = tuple(image for image, _ in usable)
    converted = Counter(
        what
        for image in images
        for what in _converted(*headers.get(image.name, ((scale, scale), ())), scale)
    )
    dataset = Dataset(name, split, images, manifest((row for _, row in usable), scale))
    return Survey(dataset, kept, dict(converted.most_common()), refused, _unused(files, folders))


def _header(file: ImageFile) -> tuple[tuple[int, int], tuple[str, ...]] | None:
    try:
        return size_of(file.hr), conversions(file.hr)
    except InputError:  # decoding says why
        return None


def _converted(size: tuple[int, int], ways: Sequence[str], scale: int) -> Iterator[str]:
    yield from ways
    if size[0] % scale or size[1] % scale:
        yield f"cut at the right and bottom to sides that {scale} divides"


def _unused(files: Sequence[ImageFile], folders: Iterable[Path]) -> dict[str, int]:
    """How many other files there are below the folders, by kind."""
    used = {path for file in files for path in (file.hr, file.lr)}
    found: Counter[str] = Counter()
    for root in folders:
        for below, _, names in os.walk(root):
            for name in names:
                path = Path(below) / name
                if path not in used:
                    found[_kind(path, root)] += 1
    return dict(found.most_common())


def _kind(path: Path, root: Path) -> str:
    within = path.relative_to(root)
    if is_hidden(within) or path.name.lower() in SYSTEM_FILES:
        return "hidden or of the system (@eaDir, ._x.png, Thumbs.db)"
    if path.suffix.lower() in SUFFIXES:
        if not path.is_file():
            return "broken links, pipes and the like"
        return (
            f"images in {within.parent}, which are of no pair here"
            if within.parent.name
            else ("images of no pair")
        )
    return f"{path.suffix.lower() or 'files without suffix'}, a format that is not read"
