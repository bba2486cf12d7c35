"""One image file to pixels, or a refusal that names the file and says what to do.

Images become RGB of 8 bits: what cannot become that without a silent loss (16 bits,
transparency, several frames) is refused. Colour profiles are ignored, as in the field's datasets;
`read_photograph`, for pictures that people want back, also returns profile and transparency.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
import PIL.Image
from PIL import ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

from srbench.core.errors import InputError
from srbench.core.slots import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")  # few and well-fuzzed; Pillow knows forty
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
MAX_MEGAPIXELS = 64
ORIENTATION = 0x0112  # in EXIF data; 1 is upright
MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX"})


Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Photograph:
    """A picture with all that comes back with it when it is upscaled."""

    rgb: Image  # uint8 (H, W, 3)
    alpha: Image | None  # uint8 (H, W); None where every pixel is opaque
    grey: bool
    profile: bytes | None  # ICC colour profile, as it stood in the file


def read_image(path: Path) -> Image:
    """The pixels of a file as RGB, uint8 (H, W, 3), turned upright as its EXIF data say.

    Raises:
        InputError: not an image of a known format, broken, too large, or not plain 8-bit RGB.
    """
    pixels = _opened(path, _pixels)
    if pixels is None:
        raise InputError("has transparent pixels; save it without", place=str(path))
    return pixels


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image in pixels, upright, from its header alone.

    Raises:
        InputError: as of `read_image`, where the header tells.
    """
    return _opened(path, _upright_size)


def conversions(path: Path) -> tuple[str, ...]:
    """How `read_image` converts a file, from its header.

    Raises:
        InputError: as of `size_of`.
    """
    return _opened(path, lambda image: tuple(_conversions(image)))


def _conversions(image: ImageFile) -> Iterator[str]:
    if image.getexif().get(ORIENTATION, 1) != 1:
        yield "turned upright, as their EXIF data say"
    if image.mode in ("P", "PA"):
        yield "palette to RGB"
    if image.mode in ("1", "L", "LA"):
        yield "one channel to three equal ones"
    if image.has_transparency_data:
        yield "transparency left out, for every pixel is opaque"
    if image.format == "MPO":
        yield "first of several pictures in the file (MPO)"
    if b"sRGB" not in image.info.get("icc_profile", b"sRGB"):
        yield "colour profile ignored, though it is not sRGB's"


def read_photograph(path: Path) -> Photograph:
    """As `read_image`, and its transparency and colour profile.

    Raises:
        InputError: as of `read_image`, but for transparent pixels.
    """
    return _opened(path, _photograph)


def _opened(path: Path, take: Callable[[ImageFile], Found]) -> Found:
    """What `take` makes of an image file, if its header lets it be decoded."""
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise InputError("is no ordinary file", place=str(path))
    try:
        with PIL.Image.open(path, formats=FORMATS) as image:
            problem = _header_problem(image)
            if not problem:
                return take(image)
    except FileNotFoundError:
        raise InputError("there is no such file", place=str(path)) from None
    except UnidentifiedImageError:
        message = f"is not a {', '.join(FORMATS)} image, or is broken"
        raise InputError(message, place=str(path)) from None
    except PIL.Image.DecompressionBombError as error:  # "Image size (… pixels) exceeds …"
        size = re.search(r"\d+", str(error))
        message = _too_large(f"{int(size[0]):,}" if size else "too many")
        raise InputError(message, place=str(path)) from None
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error and many more
        raise InputError(_broken(error), place=str(path)) from error
    raise InputError(problem, place=str(path))


def _broken(error: Exception) -> str:
    return f"is broken ({str(error) or type(error).__name__}); save or download it again"


def _header_problem(image: ImageFile) -> str:
    """What stands against decoding, known from the header alone; empty where nothing does."""
    width, height = image.size
    if width * height > MAX_MEGAPIXELS * 10**6:
        return _too_large(f"{width}x{height}")
    # A phone's JPEG may carry a preview or a depth map as further frames (MPO): the first counts.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        return "has several frames; save one of them as a file of its own"
    if _bits(image) > 8:
        return "has more than 8 bits a channel; save it with 8"
    if image.mode not in MODES:
        return f"has colours of type {image.mode}; save it as RGB"
    return ""


def _too_large(size: str) -> str:
    return f"has {size} pixels; {MAX_MEGAPIXELS} megapixels are allowed: cut it into pieces"


def _bits(image: ImageFile) -> int:
    """Bits a channel as stored: Pillow silently drops the lower 8 of 16-bit RGB."""
    if isinstance(image, TiffImageFile):
        return max(map(int, image.tag_v2.get(BITSPERSAMPLE, (1,))))
    stored = image.mode + "".join(str(tile[3]) for tile in image.tile if image.format == "PNG")
    return 16 if "16" in stored or image.mode in ("I", "F") else 8


def _pixels(image: ImageFile) -> Image | None:
    """Decoded RGB, or None where some pixel is not fully opaque."""
    upright = _upright(image)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        if upright.getchannel("A").getextrema() != (255, 255):
            return None
    return np.array(upright.convert("RGB"))  # (H, W, 3)


def _upright_size(image: ImageFile) -> tuple[int, int]:
    width, height = image.size
    turned = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (height, width) if turned else (width, height)


def _photograph(image: ImageFile) -> Photograph:
    profile = image.info.get("icc_profile") or None
    upright = _upright(image)
    grey = upright.mode in ("1", "L", "LA")
    alpha = None
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        alpha = np.array(upright.getchannel("A"))  # (H, W)
        alpha = None if alpha.min() == 255 else alpha
    return Photograph(np.array(upright.convert("RGB")), alpha, grey, profile)


def _upright(image: ImageFile) -> PIL.Image.Image:
    """The picture, decoded, and turned as its EXIF data say."""
    with _libtiff_silent() if isinstance(image, TiffImageFile) else nullcontext():
        image.load()
    return ImageOps.exif_transpose(image)


_STDERR = Lock()


@contextmanager
def _libtiff_silent() -> Iterator[None]:
    """What libtiff prints of a broken file stays off the error stream: the refusal says it."""
    with _STDERR:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
