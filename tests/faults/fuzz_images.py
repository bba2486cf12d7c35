"""Images gone wrong: every format and mode that people's folders hold, with damage."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import skimage.data
from fuzz import damaged, of_file
from hypothesis import strategies as st
from PIL import features

from srbench.core.errors import UserError
from srbench.data.decoded import decode
from srbench.data.folders import ImageFile

SUFFIXES = ("png", "jpg", "jpeg", "webp", "bmp", "tif", "TIFF")
COMPRESSED = ("tiff_lzw", "tiff_deflate", "jpeg", "packbits")
SAVED: list[tuple[str, str, dict[str, Any]]] = [
    ("RGB", "PNG", {}), ("L", "PNG", {}), ("P", "PNG", {}), ("1", "PNG", {}), ("LA", "PNG", {}),
    ("RGBA", "PNG", {}), ("I;16", "PNG", {}), ("RGB", "PNG", {"interlace": 1}),
    ("RGB", "JPEG", {}), ("L", "JPEG", {}), ("CMYK", "JPEG", {}),
    ("RGB", "JPEG", {"progressive": True}), ("RGB", "WEBP", {}), ("RGBA", "WEBP", {}),
    ("RGB", "WEBP", {"lossless": True}), ("RGB", "BMP", {}), ("P", "BMP", {}), ("1", "BMP", {}),
    ("RGB", "GIF", {}), ("P", "GIF", {}), ("RGB", "TIFF", {}), ("L", "TIFF", {}),
    ("CMYK", "TIFF", {}), ("I;16", "TIFF", {}), ("F", "TIFF", {}),
    *(("RGB", "TIFF", {"compression": c}) for c in COMPRESSED),
    ("1", "TIFF", {"compression": "group4"}), ("RGBA", "TIFF", {"compression": "tiff_lzw"}),
]  # fmt: skip


def check(content: bytes, folder: Path) -> str:
    """Decode the case as a dataset of one image; the refusal, which names the file, or nothing."""
    file = folder / f"image.{SUFFIXES[len(content) % len(SUFFIXES)]}"
    file.write_bytes(content)
    try:
        found = decode([ImageFile("a", file)], "fuzzed", "eval", 2)
    except UserError as error:
        return of_file(error, file)
    finally:
        file.unlink()
    pixels = found.images[0].hr
    assert (pixels.dtype, pixels.ndim, pixels.shape[2]) == (np.uint8, 3, 3)
    assert not any(side % 2 for side in pixels.shape[:2])
    return ""


SPLICES = [b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"]


@cache
def blobs() -> list[bytes]:
    """Small files, well and strange."""
    photo = _photo().crop((100, 60, 124, 80))
    found = [_saved(photo, *how) for how in SAVED if how[1] != "WEBP" or features.check("webp")]
    frames = {"save_all": True, "append_images": [photo.rotate(90), photo]}
    found += [_saved(photo, "RGB", kind, frames) for kind in ("GIF", "WEBP", "PNG", "TIFF")]
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    found += [_saved(photo, "RGB", kind, {"exif": exif}) for kind in ("JPEG", "PNG", "TIFF")]
    found += [_saved(photo.resize(size), "RGB", "PNG", {}) for size in ((1, 1), (1, 9), (2, 2))]
    return [*found, b"", bytes(300), b"no image at all\n", b"<svg/>", b"P6 2 2 255 " + bytes(12)]


def _saved(photo: PIL.Image.Image, mode: str, kind: str, how: dict[str, Any]) -> bytes:
    if mode == "I;16":
        image = PIL.Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    else:
        image = photo.convert(mode)
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def _photo() -> PIL.Image.Image:
    image: PIL.Image.Image = PIL.Image.fromarray(skimage.data.astronaut())
    return image


CASES = st.deferred(lambda: damaged(blobs(), SPLICES))
