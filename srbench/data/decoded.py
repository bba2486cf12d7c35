"""A dataset's pixels, decoded once, and the manifest that says exactly which pixels they are.

The manifest, not the folder's name, is what a run's identity rests on: the same images elsewhere
give the same runs, one changed pixel gives others.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from PIL import Image as Picture

from srbench.core import slots
from srbench.core.errors import UNSEEN, InputError
from srbench.core.slots import Image as Pixels
from srbench.core.streams import Streams
from srbench.data.degradations import shrink
from srbench.data.folders import ImageFile, few
from srbench.data.images import read_image
from srbench.data.likeness import alike, thumbnail

Taken = TypeVar("Taken")
ALL_NAMED = 12  # files that cannot be used; where there are more, a few of each reason are named


@dataclass(frozen=True, eq=False)
class Image:
    """One decoded image. Pixels are uint8 (H, W, 3) and cannot be written to."""

    name: str
    hr: Pixels  # cropped at the bottom right to a multiple of the scale
    lr: Pixels | None  # None where LR is to be made from HR
    sha256: str  # of the HR pixels
    weight: float = 1.0
    corners: tuple[str, ...] = ()  # digests of squares that a crop at the other sides leaves alone
    unlike: bool = False  # its LR file seems to show something else
    thumbnail: str = ""  # of HR, by which copies are found
    flat: bool = False  # of one colour within a border of the scale: its PSNR may be infinite

    @property
    def size(self) -> str:
        """HR width x height, as people write it."""
        return f"{self.hr.shape[1]}x{self.hr.shape[0]}"


@dataclass(frozen=True, eq=False)
class Dataset:
    """The images of one dataset for one split, sorted by name."""

    name: str
    split: str
    images: tuple[Image, ...]
    manifest: str  # hex digest over names, sizes, weights and pixels

    @property
    def megapixels(self) -> float:
        """HR pixels of all images together, in millions."""
        return sum(image.hr.size for image in self.images) / 3e6

    @property
    def bytes(self) -> int:
        """Memory of all pixels, HR and the set's own LR."""
        pairs = ((image.hr, image.lr) for image in self.images)
        return sum(x.nbytes for pair in pairs for x in pair if x is not None)


def decode(
    files: Sequence[ImageFile],
    name: str,
    split: str,
    scale: int,
    keep: Callable[[Image], Image] = lambda image: image,
) -> Dataset:
    """Read and check every image, in threads.

    `keep` says what the set keeps of an image as soon as it is decoded: `without_pixels`, say.

    Raises:
        InputError: no images, two of one name, or images that cannot be used: all of them by name.
    """
    doubles = sorted(n for n, often in Counter(file.name for file in files).items() if often > 1)
    if not files or doubles:
        found = f"several images named {', '.join(doubles)}" if doubles else "no images"
        raise InputError(f"{name} ({split}): {found}")
    tried = decode_each(files, scale, lambda image: (manifest_row(image), keep(image)))
    refused = [one for one in tried if isinstance(one, InputError)]
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise _refusal(refused, len(files), name, scale)
    rows, images = zip(*sorted(
        (one for one in tried if not isinstance(one, InputError)), key=lambda one: one[1].name
    ), strict=True)  # fmt: skip
    return Dataset(name, split, images, manifest(rows, scale))


def _refusal(refused: Sequence[InputError], of: int, name: str, scale: int) -> InputError:
    """Why images cannot be used, with all their names if they are few."""
    folder = os.path.commonpath([os.path.dirname(one.place) for one in refused])
    many = len(refused) > ALL_NAMED
    reasons = "; ".join(
        f"{reason} ({few([os.path.relpath(path, folder) for path in paths], 3 if many else 40)})"
        for reason, paths in by_reason(refused)
    )
    written = f"{{{name}}}" if ":" in name else name if name in slots.dataset.parts else folder
    asked = f"srbench datasets {shlex.quote(written)} --scale {scale} --json names all"
    more = f"; {asked}" if many else ""
    return InputError(
        f"{len(refused)} of {of} images cannot be used: {reasons}{more}", place=folder
    )


def decode_each(
    files: Sequence[ImageFile], scale: int, take: Callable[[Image], Taken]
) -> list[Taken | InputError]:
    """What `take` makes of each decoded image, or why it cannot be used; in threads."""

    def tried(file: ImageFile) -> Taken | InputError:
        try:
            return take(_decode(file, scale))
        except InputError as error:
            return error

    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        warnings.filterwarnings("ignore", module="PIL")  # of what it reads past, or we refuse
        return list(threads.map(tried, files))


def by_reason(refused: Iterable[InputError]) -> list[tuple[str, list[str]]]:
    """The files of each reason, the most frequent first; paths and digits make no other reason."""
    found: dict[str, tuple[str, list[str]]] = {}
    for error in refused:
        alike = re.sub(r"\S*/\S*|\d+", "", error.problem)
        found.setdefault(alike, (error.problem, []))[1].append(error.place)
    return sorted(found.values(), key=lambda one: -len(one[1]))


def signature(files: Iterable[ImageFile]) -> str:
    """A digest of paths, sizes and times: while it stands, decoding would give the same again.

    Raises:
        InputError: a file is not there.
    """
    rows = []
    for file in sorted(files, key=lambda file: file.name):
        for path in filter(None, (file.hr, file.lr)):
            try:
                stat = path.stat()
            except OSError as error:
                raise InputError(f"{path}: {error.strerror}") from None
            where = str(path.absolute())
            times = stat.st_mtime_ns, stat.st_ctime_ns  # no program can set the second
            rows.append((file.name, where, stat.st_size, *times, file.weight))
    return _digest(rows)


def outline(dataset: Dataset) -> dict[str, Any]:
    """A dataset without its pixels, as plain data: names, sizes, digests, weights, manifest."""
    return {
        "manifest": dataset.manifest,
        "images": [
            (image.name, image.hr.shape, image.lr is not None and image.lr.shape, image.sha256,
             image.weight, image.corners, image.unlike, image.thumbnail,
             image.flat)
            for image in dataset.images
        ],
    }  # fmt: skip


def from_outline(plain: Mapping[str, Any], name: str, split: str) -> Dataset:
    """The dataset that `outline` was taken of, with black images, where only their sizes count."""
    images = tuple(
        Image(image, _black(hr), _black(lr) if lr else None, sha256, weight, tuple(corners), *more)
        for image, hr, lr, sha256, weight, corners, *more in plain["images"]
    )
    return Dataset(name, split, images, plain["manifest"])


def without_pixels(image: Image) -> Image:
    """The image with black pixels, which take no memory."""
    lr = None if image.lr is None else _black(image.lr.shape)
    return replace(image, hr=_black(image.hr.shape), lr=lr)


def first_with_pixels(dataset: Dataset, count: int) -> Dataset:
    """The dataset, its images after the first `count` without their pixels."""
    rest = map(without_pixels, dataset.images[count:])
    return replace(dataset, images=(*dataset.images[:count], *rest))


def _black(shape: Sequence[int]) -> Pixels:
    return np.broadcast_to(np.uint8(0), tuple(shape))  # takes no memory, and cannot be written to


def _decode(file: ImageFile, scale: int) -> Image:
    if UNSEEN.search(file.name) or len(file.name.splitlines()) != 1 or "\t" in file.name:
        problem = "its name has a control character, or is not UTF-8; rename the file"
        raise InputError(problem, place=str(file.hr))
    whole = _resized(read_image(file.hr), file)
    height, width = (side // scale for side in whole.shape[:2])  # of LR
    if not height or not width:
        raise InputError(
            f"{whole.shape[1]}x{whole.shape[0]} pixels are too few for x{scale}", place=str(file.hr)
        )
    lr, unlike = None, False
    if file.lr is not None:
        lr = read_image(file.lr)
        if lr.shape[:2] != (height, width):
            raise InputError(
                f"{lr.shape[1]}x{lr.shape[0]} pixels; {width}x{height} are expected "
                f"at x{scale} beside {file.hr} ({whole.shape[1]}x{whole.shape[0]})"
                + _remedy(whole.shape[:2], lr.shape[:2], scale),
                place=str(file.lr),
            )
        unlike = not alike(whole, lr)
    rows, columns = _window(file, height, width, scale)
    hr = _frozen(whole[_times(rows, scale), _times(columns, scale)].copy())
    if lr is not None:
        lr = _frozen(lr[rows, columns].copy())
    elif file.degrade is not None:
        draws = Streams(0).generator("degrade", file.name)
        lr = _frozen(np.ascontiguousarray(shrink(file.degrade, hr, scale, draws)))
    return Image(
        file.name, hr, lr, _sha256(hr), file.weight, _corners(hr), unlike, thumbnail(hr),
        _is_flat(hr, scale),
    )  # fmt: skip


def _is_flat(hr: Pixels, border: int) -> bool:
    inner = hr[border:-border, border:-border]
    return bool(inner.size and (inner == inner[:1, :1]).all())


def _remedy(hr: tuple[int, ...], lr: tuple[int, ...], scale: int) -> str:
    """What to do about LR of another size than HR asks for; empty where nothing is known."""
    if lr == tuple(-(-side // scale) for side in hr):
        return f"; cut HR to a multiple of {scale} before LR is made of it (modcrop)"
    if lr == hr:
        return "; LR as large as HR is scale 1"
    if lr == tuple(side // scale for side in reversed(hr)):
        return "; was one of them turned, as EXIF data ask for, and the other not?"
    if lr[0] > hr[0]:
        return "; LR is the larger: are hr and lr exchanged?"
    fitting = [n for n in range(2, 17) if lr == tuple(side // n for side in hr)]
    return f"; it fits x{fitting[0]}" if fitting else ""


def _corners(pixels: Pixels) -> tuple[str, ...]:
    """Digests of the two largest squares at the top left whose side is a power of two."""
    side = 2 ** (min(pixels.shape[:2]).bit_length() - 1)
    sides = {side, max(side // 2, 1)}
    return tuple(_sha256(np.ascontiguousarray(pixels[:one, :one])) for one in sorted(sides))


def _sha256(pixels: Pixels) -> str:
    return hashlib.sha256(pixels.data).hexdigest()


def _resized(image: Pixels, file: ImageFile) -> Pixels:
    """The image as a square, its proportions lost, where its set asks for that; Pillow's bicubic.

    Raises:
        InputError: the set has LR files of its own, which would no longer fit.
    """
    if file.resize is None:
        return image
    if file.lr is not None:
        raise InputError(
            "resized goes with sets without LR files; see degraded", place=str(file.hr)
        )
    size = (file.resize, file.resize)
    return np.asarray(Picture.fromarray(image).resize(size, Picture.Resampling.BICUBIC))


def _window(file: ImageFile, height: int, width: int, scale: int) -> tuple[slice, slice]:
    """Rows and columns of LR that are taken: all, or a square at a place drawn by the name.

    Raises:
        InputError: the square is larger than the image, or does not divide by the scale.
    """
    if file.side is None:
        return slice(height), slice(width)
    side = file.side // scale
    if file.side % scale or side > min(height, width):
        raise InputError(
            f"no square of {file.side} pixels at x{scale} in {width * scale}x{height * scale}",
            place=str(file.hr),
        )
    draws = Streams(0).generator("crop", file.name)
    top, left = draws.integers(0, (height - side, width - side), endpoint=True)
    return slice(top, top + side), slice(left, left + side)


def _times(lines: slice, scale: int) -> slice:
    """The HR lines of some LR lines."""
    return slice((lines.start or 0) * scale, lines.stop * scale)


def manifest_row(image: Image) -> tuple[object, ...]:
    """What a manifest says of one image."""
    lr = "made" if image.lr is None else _sha256(image.lr)
    return image.name, image.hr.shape, image.sha256, lr, image.weight


def manifest(rows: Iterable[tuple[object, ...]], scale: int) -> str:
    """The digest of a set, from the rows of its images sorted by name."""
    return _digest([scale, list(rows)])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _frozen(pixels: Pixels) -> Pixels:
    pixels.setflags(write=False)  # shared by every run of a process
    return pixels
