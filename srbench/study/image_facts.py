"""What plan and page say of the images: the source of LR in each split, and what overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srbench.core.errors import StudyError
from srbench.core.registry import Choice
from srbench.core.slots import dataset
from srbench.data.decoded import Dataset
from srbench.data.folders import places
from srbench.data.overlap import Files, div2k_validation, doubles, overlap, smaller_copies, unlike
from srbench.measure.scores import PROTOCOLS, nothing_to_restore
from srbench.study.decoding import Decoded
from srbench.study.search import Search
from srbench.study.tree import Tree


@dataclass(frozen=True)
class ImageFacts:
    """Sentences on the images of a plan."""

    lr: tuple[str, ...]  # where the LR of each split comes from
    overlaps: tuple[str, ...]  # images in both training and evaluation, LR of other images


def image_facts(
    trained: Sequence[Tree], base: Tree, protocol: str, search: Search | None, images: Decoded
) -> ImageFacts:
    """The facts on the images of trained variants, and on those of their evaluation.

    A search chooses by validation images, so none of them should be an evaluation image.

    Raises:
        StudyError: two evaluation sets are the same, or have LR that equals HR; a set is flat.
    """
    made = f"made by {PROTOCOLS[protocol].lr}"
    asked = [
        (tree.data["train"], "train", f"made by {tree.data['degradation']}", tree.data["lr"])
        for tree in trained
    ]
    asked += [(tree.data["validate"], "validate", made, "auto") for tree in trained]
    asked += [(choice, "eval", made, "auto") for choice in base.data["eval"]]
    sets = {(choice, split): images.with_files(choice, split) for choice, split, _, _ in asked}
    lr = [lr_source(one, sets[one, split], how, own) for one, split, how, own in asked]
    train, validate, judges = (
        [of for (_, split), of in sets.items() if split == name]
        for name in ("train", "validate", "eval")
    )
    for found, _ in validate:
        _refuse_flat(found)
    _refuse([found for found, _ in judges], images.scale)
    others = _once((*validate, *judges))
    overlaps: list[str] = []
    for one in _once(train):
        overlaps += [div2k_validation(one), *(s for other in others for s in overlap(one, other))]
    for one in _once(validate) if search is not None else ():
        overlaps += [sentence for other in _once(judges) for sentence in overlap(one, other)]
    overlaps += [_folder_meant(choice, of) for (choice, _), of in sets.items()]
    overlaps += [smaller_copies(found) for found, _ in judges]
    for found, _ in (*train, *validate, *judges):
        overlaps += [unlike(found), doubles(found)]
    return ImageFacts(tuple(dict.fromkeys(lr)), tuple(filter(None, dict.fromkeys(overlaps))))


def _folder_meant(choice: Choice, of: Files) -> str:
    """A sentence on a folder that has the name of a set of other images; empty where none has."""
    images, files = of
    for one in choice.choices():
        here = Path(one.name).resolve()
        if one.slot is not dataset or one != dataset.parse(one.name) or not here.is_dir():
            continue
        if not any(file.hr.resolve().is_relative_to(here) for file in files):
            return (
                f"{images.split} {images.name} is the set of that name and not the folder "
                f"{one.name} here, which is written {dataset.of_path.format(one.name)}"
            )
    return ""


def _once(sets: Sequence[Files]) -> list[Files]:
    """Each set once in each split, though many variants have it."""
    return list({(found.split, found.manifest): (found, files) for found, files in sets}.values())


def _refuse_flat(images: Dataset) -> None:
    """Refuse sets of which no PSNR is finite for an upscaling that keeps a colour."""
    if all(image.lr is None and image.flat for image in images.images):
        problem = f"{images.name}: every image is of one colour, which any upscaling reproduces"
        raise StudyError(problem, ("data", images.split))


def _refuse(sets: Sequence[Dataset], scale: int) -> None:
    names: dict[str, str] = {}
    for found in sets:
        twin = names.setdefault(found.manifest, found.name)
        if twin != found.name:
            raise StudyError(f"{found.name} and {twin} are the same images", ("data", "eval"))
        _refuse_flat(found)
        if nothing_to_restore(found.images, scale):
            raise StudyError(
                f"{found.name}: LR equals HR at scale 1, which leaves nothing to restore; take "
                "pairs with LR files, or {degraded: {of: photos, by: noise}}",
                ("data", "eval"),
            )


def lr_source(choice: Choice, of: Files, made: str, lr: str) -> str:
    """Where the LR of a set comes from, as `train photos: made by matlab_bicubic`.

    `lr` is what a study says of it: own, made, or auto (own where there is one).
    """
    images, files = of
    count = sum(image.lr is not None for image in images.images)
    by_set = any(one.name == "degraded" for one in choice.choices())
    source = own = "LR that the set makes" if by_set else f"own LR files{places(files)}"
    if not count or lr == "made":
        source = made + (f", not used (lr: made): {own}" if count else "")
    elif count < len(images.images):
        source = f"{own} for {count} of {len(images.images)}, others {made}"
    return f"{images.split} {images.name}: {source}"
