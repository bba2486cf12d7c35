"""What plan and page say of the images: the source of LR in each split, and what overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from srbench.core.errors import StudyError
from srbench.core.registry import Choice
from srbench.data.decoded import Dataset
from srbench.data.overlap import div2k_validation, overlap
from srbench.measure.scores import PROTOCOLS, nothing_to_restore
from srbench.study.decoding import Decoded
from srbench.study.tree import Tree


@dataclass(frozen=True)
class ImageFacts:
    """Sentences on the images of a plan."""

    lr: tuple[str, ...]  # where the LR of each split comes from
    overlaps: tuple[str, ...]  # images that are trained and judged on


def image_facts(trained: Sequence[Tree], base: Tree, protocol: str, images: Decoded) -> ImageFacts:
    """What is to be said of the images of trained variants, and of those they are judged on.

    Raises:
        StudyError: two evaluation sets are the same, or have LR that equals HR.
    """
    train = [(tree, images(tree.data["train"], "train")) for tree in trained]
    validate = [(tree.data["validate"], "validate") for tree in trained]
    judging = [*validate, *((choice, "eval") for choice in base.data["eval"])]
    judges = [(choice, images(choice, role)) for choice, role in judging]
    _refuse([found for _, found in judges if found.split == "eval"], images.scale)
    lr = [training_lr(*one) for one in train] + [judging_lr(*one, protocol) for one in judges]
    overlaps = [
        sentence
        for mine in {found.manifest: found for _, found in train}.values()
        for sentence in (
            div2k_validation(images.with_files(mine)),
            *(
                overlap(images.with_files(mine), images.with_files(found))
                for _, found in judges
                if found.split == "eval"
            ),
        )
    ]
    return ImageFacts(tuple(dict.fromkeys(lr)), tuple(filter(None, dict.fromkeys(overlaps))))


def _refuse(sets: Sequence[Dataset], scale: int) -> None:
    names: dict[str, str] = {}
    for found in sets:
        twin = names.setdefault(found.manifest, found.name)
        if twin != found.name:
            raise StudyError(f"{found.name} and {twin} are the same images", ("data", "eval"))
        if nothing_to_restore(found.images, scale):
            raise StudyError(
                f"{found.name}: LR equals HR at scale 1, which leaves nothing to restore; take "
                "pairs with LR files, or {degraded: {of: photos, by: noise}}",
                ("data", "eval"),
            )


def training_lr(tree: Tree, images: Dataset) -> str:
    """Where the LR of training images comes from, as `train photos: made by matlab_bicubic`."""
    made, chosen = f"made by {tree.data['degradation']}", tree.data["lr"]
    own = _own(tree.data["train"])
    if chosen == "own":
        return f"train {images.name}: {own}"
    count = sum(image.lr is not None for image in images.images)
    if not count:
        return f"train {images.name}: {made}"
    if chosen == "made":
        return f"train {images.name}: {made}, {own} not used (lr: made)"
    return f"train {images.name}: {own} for {count} of {len(images.images)}, others {made}"


def judging_lr(choice: Choice, images: Dataset, protocol: str) -> str:
    """The same of images that are validated or evaluated on."""
    count = sum(image.lr is not None for image in images.images)
    made = f"made by {PROTOCOLS[protocol].lr}"
    if not count:
        return f"{images.split} {images.name}: {made}"
    rest = f" for {count} of {len(images.images)}, others {made}"
    return f"{images.split} {images.name}: {_own(choice)}" + (
        rest if count < len(images.images) else ""
    )


def _own(choice: Choice) -> str:
    made = any(one.name == "degraded" for one in choice.choices())
    return "LR that the set makes" if made else "own LR files"
