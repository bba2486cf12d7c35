"""Pictures that runs leave: HR and LR once, SR of every run, and a strip of the three."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from srbench.core.files import write_atomically
from srbench.core.places import MAX_PICTURES
from srbench.core.slots import Image
from srbench.data.decoded import Dataset
from srbench.measure.scores import evaluation_lr


def save_originals(folder: Path, images: Dataset, scale: int) -> list[tuple[str, str, str]]:
    """Write HR and LR of an evaluation set once: (image, kind, file name) of each."""
    found = []
    for n, image in enumerate(images.images[:MAX_PICTURES]):
        for kind, pixels in (("hr", image.hr), ("lr", evaluation_lr(image, scale))):
            file = f"{images.manifest[:12]}-{n}-{kind}.png"
            if not (folder / file).exists():
                save_picture(folder / file, pixels)
            found.append((image.name, kind, file))
    return found


def strip(lr: Image, sr: Image, hr: Image, side: int = 128) -> Image:
    """The centre of an image as LR (pixels repeated) | SR | HR, `side` HR pixels each."""
    scale = hr.shape[0] // lr.shape[0]
    repeated = lr.repeat(scale, 0).repeat(scale, 1)
    more = hr.shape[0] // sr.shape[0]  # where the largest output is smaller than HR
    sr = sr.repeat(more, 0).repeat(more, 1)
    top, left = ((n - min(side, n)) // 2 for n in hr.shape[:2])
    cut = np.s_[top : top + side, left : left + side]
    return np.concatenate([repeated[cut], sr[cut], hr[cut]], 1)


def save_picture(path: Path, pixels: Image) -> None:
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, "png", optimize=False)
    write_atomically(path, buffer.getvalue())
