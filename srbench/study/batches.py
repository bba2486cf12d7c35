"""What the training of a tree of choices sees, and the weights that it starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from srbench.core.errors import StudyError, UserError
from srbench.core.numbers import plural
from srbench.core.streams import Streams
from srbench.data.data_settings import DataSettings, data_settings
from srbench.data.decoded import Dataset
from srbench.data.degradations import Degrade
from srbench.data.multi_scale import ScaledPatches
from srbench.data.patches import Patches
from srbench.study.tree import Tree
from srbench.train.from_weights import digest, fill
from srbench.train.settings import TrainSettings, trained_scales

Images = Callable[[int], tuple[Dataset, Degrade | None]]
"""The training images at a scale, and what makes their LR; None where they have it."""
SHOWN = 3  # names of tensors


def patches_of(tree: Tree, images: Images, scale: int, streams: Streams) -> Patches | ScaledPatches:
    """The training patches that a tree asks for, of one scale or of several.

    Raises:
        StudyError: an image is too small for its patches, or has no LR.
    """
    data: DataSettings = tree.data.build()()
    train: TrainSettings = tree.train.build()()
    each = data.patches_per_image
    own = Patches(
        *images(scale),
        [augment() for augment in data.augment],
        scale=scale,
        patch=data.patch,
        count=data.patches if each is None else each * len(images(scale)[0].images),
        batch_size=train.batch,
        fixed=data.cut == "fixed",
        streams=streams,
    )
    by_scale = {one: _at(one, images, own) for one in trained_scales(tree.train, scale)}
    return own if by_scale == {scale: own} else ScaledPatches(by_scale, streams)


def _at(scale: int, images: Images, own: Patches) -> Patches:
    """The same at another scale: as many patches, LR as large as at the study's scale."""
    if scale == own.scale:
        return own
    try:
        found, degrade = images(scale)
        patch = own.patch // own.scale * scale
        return replace(own, dataset=found, degrade=degrade, scale=scale, patch=patch)
    except UserError as error:
        raise StudyError(f"at x{scale}: {error.problem}", error.path) from None


def with_lr_chosen(tree: Tree, images: Iterable[Dataset]) -> Tree:
    """The tree with `lr: auto` decided by the training images: own, made, or auto where both occur.

    Raises:
        StudyError: the set has LR, and the study names a degradation.
    """
    if tree.data["lr"] != "auto":
        return tree
    own = {image.lr is not None for one in images for image in one.images}
    if True not in own:
        return tree.set("data.lr", "made")
    if tree.data["degradation"] != data_settings.parse("data")["degradation"]:
        raise StudyError(
            f"the training images have LR of their own, and {tree.data['degradation']} would make "
            "another: add lr: own or lr: made",
            ("data", "degradation"),
        )
    return tree if False in own else tree.set("data.lr", "own")


def degradation_of(tree: Tree, scale: int) -> Degrade | None:
    """What makes a tree's training LR, under `auto` where an image has none; None for its own."""
    if tree.data["lr"] == "own":
        return None
    degrade: Degrade = tree.data["degradation"].build()(scale)
    return degrade


def with_start(tree: Tree, scale: int) -> tuple[Tree, str]:
    """The tree with the SHA-256 of the file that it starts from, and which tensors that lacks.

    The text is empty where a network draws all its weights, or the file has all of them.

    Raises:
        StudyError: the file is not there, cannot be read, or fits nowhere.
    """
    initial = tree.train["initial"]
    if initial.name != "from_weights":
        return tree, ""
    file = initial["file"]
    try:
        net = tree.model.build()(scale)
        drawn = fill(net, file=file, sha256=initial["sha256"])
    except UserError as error:
        raise StudyError(str(error), ("train", "initial")) from None
    started = tree.set("train.initial.sha256", digest(file))
    if not drawn:
        return started, ""
    names = ", ".join(drawn[:SHOWN]) + (f" and {len(drawn) - SHOWN} more" * (len(drawn) > SHOWN))
    count = f"{plural(len(drawn), 'tensor')} of {len(net.state_dict())}"
    return started, f"{count} not in {file}, drawn: {names}"


def without_path(tree: Tree) -> Any:
    """The settings of training as a fingerprint has them: the same file elsewhere is the same."""
    if tree.train["initial"].name != "from_weights":
        return tree.train.to_json()
    return tree.set("train.initial.file", "").train.to_json()
