"""The field's sets as folder layouts that a user already has. Nothing is downloaded.

A set is looked for below `root`: as Set5 or benchmark/Set5, in one of the layouts in which the
field hands its sets around (`in_folder`), or as images straight in Set5.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from srbench.core.errors import StudyError
from srbench.core.registry import Folder, Positive
from srbench.core.slots import dataset
from srbench.data.folders import ImageFile, home_or, images_in
from srbench.data.pairing import fits, paired, told_apart


@dataset.register("set5")
def set5(split: str, scale: int, *, root: Folder = "") -> Sequence[ImageFile]:
    """Set5: five images, the smallest of the common test sets.

    root  folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data

    Bevilacqua et al., Low-complexity single-image super-resolution based on nonnegative neighbor
    embedding, 2012. https://doi.org/10.5244/C.26.135
    """
    return _known(("Set5",), scale, root)


@dataset.register("set14")
def set14(split: str, scale: int, *, root: Folder = "") -> Sequence[ImageFile]:
    """Set14: fourteen test images; copies of it differ by about 0.09 dB for bicubic.

    root  folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data

    Zeyde et al., On single image scale-up using sparse-representations, 2010.
    https://doi.org/10.1007/978-3-642-27413-8_47
    """
    return _known(("Set14",), scale, root)


@dataset.register("b100")
def b100(split: str, scale: int, *, root: Folder = "") -> Sequence[ImageFile]:
    """B100: the hundred test photographs of the Berkeley segmentation dataset.

    root  folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data

    Martin et al., A database of human segmented natural images, 2001.
    https://doi.org/10.1109/ICCV.2001.937655
    """
    return _known(("B100", "BSD100", "BSDS100"), scale, root)


@dataset.register("urban100")
def urban100(split: str, scale: int, *, root: Folder = "") -> Sequence[ImageFile]:
    """Urban100: a hundred photographs of buildings, with structure that repeats.

    root  folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data

    Huang et al., Single image super-resolution from transformed self-exemplars, 2015.
    https://doi.org/10.1109/CVPR.2015.7299156
    """
    return _known(("Urban100",), scale, root)


@dataset.register("manga109")
def manga109(split: str, scale: int, *, root: Folder = "") -> Sequence[ImageFile]:
    """Manga109: a page of each of 109 Japanese comics.

    root  folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data

    Matsui et al., Sketch-based manga retrieval using Manga109 dataset, 2015.
    https://arxiv.org/abs/1510.04389
    """
    return _known(("Manga109",), scale, root)


@dataset.register("t91")
def t91(split: str, scale: int, *, root: Folder = "") -> Sequence[ImageFile]:
    """T91: 91 small training images.

    root  folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data

    Yang et al., Image super-resolution via sparse representation, 2010.
    https://doi.org/10.1109/TIP.2010.2050625
    """
    return _known(("T91", "91-image"), scale, root)


@dataset.register("bsds200")
def bsds200(split: str, scale: int, *, root: Folder = "") -> Sequence[ImageFile]:
    """BSDS200: the two hundred training photographs of the Berkeley segmentation dataset.

    root  folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data

    Martin et al., A database of human segmented natural images, 2001.
    https://doi.org/10.1109/ICCV.2001.937655
    """
    return _known(("BSDS200", "BSD200"), scale, root)


@dataset.register("voc2007")
def voc2007(
    split: str, scale: int, *, root: Folder = "", train: Positive = 4011
) -> Sequence[ImageFile]:
    """PASCAL VOC 2007's trainval: its first 4011 images by name for training, the rest to judge.

    Which images the SuperResNet exercise took for its 4011 and 1000 is unpublished: the choice is
    ours. Images are in VOCdevkit/VOC2007/JPEGImages, their list, if any, in
    ImageSets/Main/trainval.txt.

    root   folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data
    train  images of the training split, the first by name; the others validate and evaluate

    Everingham et al., The PASCAL visual object classes (VOC) challenge, 2010.
    https://doi.org/10.1007/s11263-009-0275-4
    """
    homes = [root_ / above / "VOC2007" for root_ in roots(root) for above in ("VOCdevkit", "")]
    for home in homes:
        files = images_in(home / "JPEGImages")
        if not files:
            continue
        names = home / "ImageSets" / "Main" / "trainval.txt"
        if names.is_file():
            wanted = set(names.read_text(encoding="utf-8").split())
            files = [file for file in files if file.stem in wanted]
        chosen = files[:train] if split == "train" else files[train:]
        return [ImageFile(path.stem, path) for path in chosen]
    raise _not_found("voc2007", [home / "JPEGImages" for home in homes], homes[0] / "LR", scale)


@dataset.register("div2k")
def div2k(split: str, scale: int, *, root: Folder = "") -> Sequence[ImageFile]:
    """DIV2K: 800 photographs of 2K for training; its 100 of `valid` for validate and eval.

    root  folder above the set's own; by default SRBENCH_DATA, else data, else ../shared/data

    Agustsson and Timofte, NTIRE 2017 challenge on single image super-resolution, 2017.
    https://doi.org/10.1109/CVPRW.2017.150
    """
    half = "train" if split == "train" else "valid"
    hr, lr = f"DIV2K_{half}_HR", f"DIV2K_{half}_LR_bicubic"
    layouts = [
        (root_ / above / hr, root_ / above / lr) for root_ in roots(root) for above in ("DIV2K", "")
    ]
    return _first("DIV2K", layouts, scale)


HR_FOLDERS = ("HR", "GTmod12", "original", "")
LR_FOLDERS = ("LR_bicubic/X{s}", "LR_bicubic/x{s}", "LRbicx{s}", "LR_bicubic_X{s}", "LR/X{s}",
              "LR/x{s}", "LR_X{s}", "LR_x{s}", "X{s}", "x{s}")  # fmt: skip


def in_folder(home: Path, scale: int) -> list[ImageFile]:
    """One set's images with their LR files, if it has any; none where the folder has no images.

    Set5/HR with Set5/LR_bicubic/X2 (EDSR), Set5/GTmod12 with Set5/LRbicx2 (BasicSR),
    Set5/image_SRF_2 with both in it (SelfExSR), or images in the folder itself. Of several
    versions of HR the first that has the size of LR is taken.
    """
    for both in (home / f"image_SRF_{scale}", home):
        if pairs := told_apart(_named(both), scale):
            return pairs
    versions = [files for name in HR_FOLDERS if (files := _named(home / name))]
    lr = _first_folder(home / name.format(s=scale) for name in LR_FOLDERS)
    if lr is None or not versions:
        return versions[0] if versions else []
    found = (paired(files, _named(lr), scale) for files in versions[:-1])
    fitting = (pairs for pairs in found if all(f.lr and fits(f.hr, f.lr, scale) for f in pairs))
    return next(fitting, None) or paired(versions[-1], _named(lr), scale)


def _first_folder(folders: Iterable[Path]) -> Path | None:
    return next((folder for folder in folders if os.path.isdir(folder)), None)


def _named(folder: Path) -> list[ImageFile]:
    return [ImageFile(path.stem, path) for path in images_in(folder)]


def _known(names: tuple[str, ...], scale: int, root: str) -> list[ImageFile]:
    """The set that has one of these folder names, in the first place that has images."""
    homes = [
        root_ / above / name for root_ in roots(root) for above in ("", "benchmark")
        for name in names
    ]  # fmt: skip
    found = next((files for home in homes if (files := in_folder(home, scale))), None)
    if found is None:
        looked = [folder for home in homes for folder in (home / "HR", home)]
        raise _not_found(names[0], looked, homes[0] / "LR_bicubic", scale)
    return found


def _first(name: str, layouts: list[tuple[Path, Path]], scale: int) -> list[ImageFile]:
    """The images of the first folder that has any, with LR files where it has them."""
    for hr, lr in layouts:
        if files := _named(hr):
            own = _first_folder(lr / name for name in (f"X{scale}", f"x{scale}"))
            return paired(files, _named(own), scale) if own else files
    raise _not_found(name, [hr for hr, _ in layouts], layouts[0][1], scale)


class SetMissing(StudyError):
    """A known set has no folder on this machine."""


def _not_found(name: str, looked: list[Path], lr: Path, scale: int) -> SetMissing:
    return SetMissing(
        f"{name} was not found (looked for {', '.join(map(str, looked))}); put the set there, or "
        f"name the folder above it by root: or SRBENCH_DATA. LR files, if any: {lr}/X{scale}/"
    )


def roots(root: str = "") -> list[Path]:
    """Folders with sets: the study's, else SRBENCH_DATA, else data and ../shared/data."""
    chosen = root or os.environ.get("SRBENCH_DATA", "")
    return [home_or(chosen)] if chosen else [Path("data"), Path("../shared/data")]
