"""Where images come from: folders, pairs of folders, bundled photographs, mixtures of those.

A dataset only names files; nothing is decoded here. Known sets stand in `known_sets.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from srbench.core.errors import StudyError
from srbench.core.slots import Dataset, dataset
from srbench.data.folders import ImageFile, home_or, images_below, images_in

PHOTOS = {
    "train": (
        "motorcycle_left.png",
        "motorcycle_right.png",
        "rocket.jpg",
        "ihc.png",
        "hubble_deep_field.jpg",
        "retina.jpg",
    ),
    "eval": ("astronaut.png", "chelsea.png", "coffee.png"),
    "validate": ("coins.png", "gravel.png", "page.png"),
}


@dataset.register("photos")
def photos(split: str, scale: int) -> Sequence[ImageFile]:
    """Photographs that scikit-image bundles; needs no network. A different few for each split.

    train: colour photographs; eval: three others; validate: greyscale photographs and textures.

    van der Walt et al., scikit-image: image processing in Python, 2014.
    https://doi.org/10.7717/peerj.453
    """
    package = find_spec("skimage")  # its loaders may download; its folder does not
    if package is None or package.origin is None:
        raise StudyError("photos: scikit-image is not installed; pip install scikit-image")
    folder = Path(package.origin).parent / "data"
    files = [folder / name for name in PHOTOS[split]]
    for file in files:
        if not file.is_file():
            raise StudyError(
                f"photos: {file.name} is not in {folder}; install scikit-image from its wheel"
            )
    return [ImageFile(file.stem, file) for file in files]


@dataset.register("folder")
def folder(split: str, scale: int, *, path: str = "") -> Sequence[ImageFile]:
    """All images below a folder, subfolders included, sorted by path; the same for every split.

    Ours.
    """
    if not path:
        raise StudyError("folder: path is needed, as in folder: {path: my/photos}")
    return images_below(home_or(path), "folder")


@dataset.register("pairs")
def pairs(split: str, scale: int, *, hr: str = "", lr: str = "") -> Sequence[ImageFile]:
    """A folder of HR images with a folder of LR images: baby.png with X2/babyx2.png or baby.png.

    The LR folder may hold the files or a subfolder for each scale, X2 or x2.

    Ours; the names are those of EDSR's benchmark sets: Lim et al., Enhanced deep residual
    networks for single image super-resolution, 2017. https://arxiv.org/abs/1707.02921
    """
    if not hr or not lr:
        raise StudyError("pairs: hr and lr are needed, as in pairs: {hr: Set5/HR, lr: Set5/LR}")
    return paired(images_below(home_or(hr), "pairs"), home_or(lr), scale)


@dataset.register("mixture")
def mixture(
    split: str, scale: int, *, of: tuple[Dataset, ...] = (), weights: tuple[float, ...] = ()
) -> Sequence[ImageFile]:
    """Several datasets as one; `weights` are each one's share of the patches in training.

    Without weights every image counts alike. Image names get their dataset's place in front.

    Ours.
    """
    if not of:
        raise StudyError("mixture: of is empty; name datasets, as in of: [photos, t91]")
    if weights and (len(weights) != len(of) or min(weights) <= 0):
        raise StudyError(
            f"mixture: weights {list(weights)} do not fit: a positive one is needed "
            f"for each of {len(of)} datasets"
        )
    mixed = []
    for place, part in enumerate(of):
        files: Sequence[ImageFile] = part(split, scale)
        total = sum(file.weight for file in files)
        factor = weights[place] / total if weights else 1.0
        mixed += [
            replace(file, name=f"{place}/{file.name}", weight=file.weight * factor)
            for file in files
        ]
    return mixed


def paired(
    files: Iterable[ImageFile], folder: Path, scale: int, *, ending: str = ""
) -> list[ImageFile]:
    """The same images with the LR files that stand for them in an LR folder.

    baby.png has babyx2.png, baby.png, or one that is the same but for what the field's names say
    of size and kind (baby_HR_x2.png, baby_LRBI_x2.png); `ending` is that of LR files among others.

    Raises:
        StudyError: an image has no LR file.
    """
    scales = (folder / f"X{scale}", folder / f"x{scale}")
    inner = next((place for place in scales if os.path.isdir(place)), folder)
    if not os.path.isdir(inner):
        raise StudyError(f"there is no LR folder {inner} (looked from {Path.cwd()})")
    there = {path.stem: path for path in images_in(inner) if path.stem.endswith(ending)}
    bare = [bare_stem(stem, scale) for stem in there]
    alike = {
        name: path for name, path in zip(bare, there.values(), strict=True) if bare.count(name) == 1
    }
    found = []
    for file in files:
        stem = file.hr.stem
        known = alike.get(bare_stem(stem, scale))
        lr = there.get(f"{stem}x{scale}") or there.get(stem) or known
        if lr is None:
            raise StudyError(
                f"{file.hr} has no LR file: looked for {stem}x{scale}.png and {stem}.png in {inner}"
            )
        found.append(replace(file, lr=lr))
    return found


def bare_stem(stem: str, scale: int) -> str:
    """A file's name without what says its size and kind: img_001_SRF_2_LR becomes img_001."""
    return re.sub(rf"(_SRF_{scale})?(_(HR|LR|LRBI|GT))?(_?[xX]{scale})?$", "", stem)
