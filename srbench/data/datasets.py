"""Where images come from: folders, pairs of folders, bundled photographs, mixtures of those.

A dataset only names files; nothing is decoded here. Known sets are in `known_sets.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from srbench.core.errors import StudyError
from srbench.core.registry import Folder
from srbench.core.slots import Dataset, dataset
from srbench.data.folders import ImageFile, home_or, images_below
from srbench.data.marks import marks
from srbench.data.pairing import by_pattern, paired, told_apart, without_lr

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
def folder(split: str, scale: int, *, path: Folder = "", pattern: str = "") -> Sequence[ImageFile]:
    """All images below a folder, subfolders included, sorted by path; the same for every split.

    Where names tell HR from LR (img_001_SRF_4_HR.png, img_001_SRF_4_LR.png), these are pairs;
    `pattern` says how others are named: LR as in "{name}_small", or both, "{name}_a -> {name}_b".

    path     the folder; a relative path counts from the study file
    pattern  how files of LR and HR are named, {name} for what they share; empty: by the field's
             marks

    Ours.
    """
    if not path:
        raise StudyError("folder: path is needed, as in {folder: {path: my/photos}}")
    return read_folder(home_or(path), scale, pattern)


@dataset.register("pairs")
def pairs(
    split: str, scale: int, *, hr: Folder = "", lr: Folder = "", pattern: str = ""
) -> Sequence[ImageFile]:
    """A folder of HR images with a folder of LR images: baby.png with X2/babyx2.png or baby.png.

    Files are paired by their paths below both folders and the field's suffixes (baby_LRx2,
    baby_bicLRx2, 0801x4w1), and by size where that leaves a choice. The LR folder may have a
    subfolder for each scale, X2 or x2. `pattern` says how LR files are named otherwise, as in
    "{name}_small", or both, "{name}_sharp -> {name}_soft".

    hr       the folder of HR images
    lr       the folder of LR images; it may have a subfolder for each scale
    pattern  how files of LR and HR are named, {name} for what they share; empty: by the field's
             marks

    Ours; the names are those of EDSR's benchmark sets: Lim et al., Enhanced deep residual
    networks for single image super-resolution, 2017. https://arxiv.org/abs/1707.02921
    """
    if not hr or not lr:
        raise StudyError("pairs: hr and lr are needed, as in {pairs: {hr: Set5/HR, lr: Set5/LR}}")
    high, low = home_or(hr), home_or(lr)
    if high.resolve() == low.resolve():
        return read_folder(high, scale, pattern)
    hrs = _outside(images_below(high, "pairs"), low, high)
    lrs = _outside(images_below(low, "pairs"), high, low)
    named = [file for file in lrs if marks(file.name).kind != "hr"]
    return paired(without_lr(hrs), named or lrs, scale, pattern)


def _outside(files: list[ImageFile], other: Path, folder: Path) -> list[ImageFile]:
    """The files of a folder but for those of another folder, if that is within it."""
    if not other.resolve().is_relative_to(folder.resolve()):
        return files
    return [file for file in files if not file.hr.resolve().is_relative_to(other.resolve())]


def read_folder(path: Path, scale: int, pattern: str = "") -> list[ImageFile]:
    """The images below a folder, with LR files where names or the pattern tell them apart.

    Raises:
        StudyError: no such folder, no image in it, or HR images and LR files that do not pair.
    """
    files = images_below(path, "folder")
    if pattern:
        return by_pattern(files, scale, pattern)
    return told_apart(files, scale) or files


@dataset.register("mixture")
def mixture(
    split: str, scale: int, *, of: tuple[Dataset, ...] = (), weights: tuple[float, ...] = ()
) -> Sequence[ImageFile]:
    """Several datasets as one; `weights` are each one's share of the patches in training.

    Without weights every image counts alike. Image names get their dataset's place in front.

    of       the datasets that are joined
    weights  share of each dataset in the training patches; empty: by its number of images

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
