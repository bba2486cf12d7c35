"""Any weights on any images: a network, a set and a protocol become scores, without a study.

For checks against published figures, and for networks that were not trained here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import nn

from srbench.apply.trained import Network, named_choice, of_file
from srbench.core import slots
from srbench.core.errors import InputError, UserError
from srbench.core.numbers import without_infinite
from srbench.core.outputs import computing_at
from srbench.core.registry import Choice, Slot, known
from srbench.data.datasets import read_folder
from srbench.data.decoded import Dataset, decode
from srbench.data.degraded import degraded
from srbench.data.folders import ImageFile, home_or, images_below, no_folder
from srbench.data.known_sets import in_folder
from srbench.data.overlap import doubts
from srbench.data.pairing import paired
from srbench.measure import named
from srbench.measure.forward import super_resolve
from srbench.measure.scores import (
    PROTOCOLS,
    evaluation_lr,
    nothing_to_restore,
    score_pair,
)
from srbench.measure.sets import SetScore


@dataclass(frozen=True)
class ImageScores:
    """The scores of one image; width and height of HR, cropped to a multiple of the scale."""

    name: str
    width: int
    height: int
    values: dict[str, float]


@dataclass(frozen=True)
class Scored:
    """The scores of one network on one set, by one protocol."""

    model: str
    weights: str
    taken: str  # which of the file's weights, if it has several
    data: str
    scale: int
    protocol: str
    lr: str  # where LR came from: files, or a degradation
    images: tuple[ImageScores, ...]
    doubts: tuple[str, ...] = ()  # sentences on LR files that may be of other images

    @property
    def means(self) -> dict[str, float]:
        """The mean of every score over the images: of decibels, not of squared errors.

        An image that is reproduced exactly, whose PSNR is infinite, is left out.
        """
        return {
            name: fmean(without_infinite(image.values[name] for image in self.images))
            for name in self.images[0].values
        }

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Metric -> the images that its mean leaves out; metrics of which there are some."""
        exact = {
            name: [image.name for image in self.images if image.values[name] == math.inf]
            for name in self.means
        }
        return {name: images for name, images in exact.items() if images}

    def as_plain(self) -> dict[str, Any]:
        """Everything as JSON takes it."""
        return {
            **{key: getattr(self, key) for key in
               ("model", "weights", "taken", "data", "scale", "protocol", "lr")},
            "mean": _finite(self.means),
            "left_out": self.left_out,
            "doubts": self.doubts,
            "images": [{**vars(i), "values": _finite(i.values)} for i in self.images],
        }  # fmt: skip


def _finite(values: dict[str, float]) -> dict[str, float | str]:
    """JSON has no infinity, which is the PSNR of identical images."""
    return {name: v if math.isfinite(v) else str(v) for name, v in values.items()}


@dataclass(frozen=True)
class Asked:
    """What to score, in the words of the command line."""

    model: str  # a part of the slot `model` as a study writes it, or `spandrel`
    weights: Path | None
    data: str  # a set as a study writes it, or a folder
    scale: int
    lr: str = ""  # a folder of LR files, or a degradation; empty for the set's own
    protocol: str = "sr-y-v1"
    device: str = "cpu"
    metrics: tuple[str, ...] = ()  # besides the usual ones


def score(asked: Asked, on_image: Callable[[str], None] = lambda name: None) -> Scored:
    """Score every image of a set, whole and in fp32.

    Raises:
        InputError: the first of model, weights, images or protocol that does not do.
    """
    known(asked.protocol, PROTOCOLS, "protocol")
    return score_network(of_file(asked.model, asked.scale, asked.weights), asked, on_image)


def score_network(
    network: Network, asked: Asked, on_image: Callable[[str], None] = lambda name: None
) -> Scored:
    """As `score`, of a network that is there; one of several scales at any of them.

    Raises:
        InputError: it does not have the scale, or images or protocol do not do.
    """
    known(asked.protocol, PROTOCOLS, "protocol")
    images, lr = images_of(asked.data, asked.scale, asked.lr)
    if nothing_to_restore(images.images, asked.scale):
        raise InputError("LR equals HR at scale 1: name LR files or a degradation", place="--lr")
    net = network.net.to(asked.device)
    metrics, found = _metrics(asked.metrics), []
    try:
        with computing_at(net, asked.scale):
            for image in images.images:
                on_image(image.name)
                found.append(_scored(net, image, asked, metrics))
    except ValueError as problem:
        if isinstance(problem, UserError):
            raise
        raise InputError(str(problem), place="--scale") from None
    weights = "" if asked.weights is None else asked.weights.name
    taken = network.facts.get("weights_taken", "")
    return Scored(
        network.name, weights, taken, asked.data, asked.scale, asked.protocol, lr, tuple(found),
        doubts(images),
    )  # fmt: skip


def _metrics(more: Sequence[str]) -> dict[str, Any]:
    """The usual metrics and more of them, by name."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys((*named.DEFAULT, *more)):
        try:
            found[name] = named.choice(name).build()()
        except UserError as problem:
            raise InputError(problem.problem, place=f"--metric {name}") from None
        if isinstance(found[name], SetScore):
            raise InputError("is taken of a whole set; a study scores it", place=f"--metric {name}")
    return found


def _scored(net: nn.Module, image: Any, asked: Asked, metrics: Mapping[str, Any]) -> ImageScores:
    protocol = PROTOCOLS[asked.protocol]
    try:
        lr = evaluation_lr(image, asked.scale, protocol)
        sr = super_resolve(net, lr, asked.device)
        values = score_pair(sr, image.hr, protocol, asked.scale, metrics)
    except (UserError, FloatingPointError, RuntimeError) as problem:
        message = (
            problem.problem if isinstance(problem, UserError) else str(problem).splitlines()[0]
        )
        raise InputError(message, place=image.name) from problem
    height, width = image.hr.shape[:2]
    return ImageScores(image.name, width, height, values)


def images_of(data: str, scale: int, lr: str = "") -> tuple[Dataset, str]:
    """A set's decoded images, and where their LR comes from.

    `data` is a set as a study writes it, or a folder in one of the layouts of the field; `lr` is
    a folder of LR files, or a degradation.

    Raises:
        InputError: no such set, folder or degradation, or images that do not fit each other.
    """
    slots.load()
    files = files_of(data, scale)
    if lr and os.path.isdir(home_or(lr)):
        files = paired(files, images_below(home_or(lr), "--lr"), scale)
    elif lr:
        by = _part_or_no_folder(slots.degradation, lr, "--lr")
        files = list(degraded("eval", scale, of=lambda split, scale: files, by=by.build()))
        return decode(files, data, "eval", scale), str(by)
    own = sum(file.lr is not None for file in files)
    made = "matlab_bicubic" if not own else "the set's own files"
    return decode(files, data, "eval", scale), made


def files_of(data: str, scale: int) -> list[ImageFile]:
    """The files of a set as a study writes it, or of a folder in one of the layouts of the field.

    Raises:
        InputError: no such set or folder, or files that do not pair.
    """
    folder = home_or(data)
    if data not in slots.dataset.parts and os.path.isdir(folder):
        known = in_folder(folder, scale)
        if any(file.lr for file in known):
            return known
        below = read_folder(folder, scale)
        is_set = any(file.hr.parent != folder for file in known)
        return known if is_set and not any(file.lr for file in below) else below
    choice = _part_or_no_folder(slots.dataset, data, "--data")
    try:
        return list(choice.build()("eval", scale))
    except UserError as error:
        raise InputError(error.problem, error.path, error.place or "--data") from None


def _part_or_no_folder(slot: Slot, written: str, option: str) -> Choice:
    """The part that is written in place of a folder.

    Raises:
        InputError: there is neither such a part nor such a folder.
    """
    if "{" in written:
        return named_choice(slot, written, option)
    none = no_folder(home_or(written))
    if os.sep in written or os.path.isfile(home_or(written)):
        raise InputError(none, place=option)
    try:
        return named_choice(slot, written, option)
    except InputError as error:
        raise InputError(f"{none}, and {error.problem}", place=option) from None
