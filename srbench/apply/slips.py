"""Why does my number differ? What slips of protocol cost, measured on your images.

A slip is the protocol's reading of a score with one part changed. Nothing is looked up: the costs
are those of this network on these images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
from torch import nn

from srbench.apply import readings
from srbench.apply.readings import Output, Reading, made_by
from srbench.apply.scored import Asked, images_of
from srbench.apply.trained import of_file
from srbench.core.errors import InputError
from srbench.data.decoded import Dataset, Image
from srbench.measure.metrics import SSIM_WINDOW, luma, psnr

Metric = Literal["psnr_y", "ssim_y"]
ENOUGH: dict[Metric, float] = {"psnr_y": 0.02, "ssim_y": 5e-4}
"""A slip explains a difference that it leaves no more than this of."""
SHOWN = 5  # explanations at most
FULL_RANGE = np.array([0.299, 0.587, 0.114])

Change = tuple[str, dict[str, Any]]
OF_METRIC: dict[Metric, tuple[Change, ...]] = {
    "psnr_y": (("PSNR of the mean squared error of all images", {"mean": readings.of_squares}),),
    "ssim_y": (
        ("scikit-image's default window (7x7, uniform)", {"window": readings.uniform}),
        ("variances divided by n - 1 (scikit-image's default)", {"window": readings.sample}),
        ("images pooled first (piq's default)", {"window": readings.pooled}),
    ),
}
OF_BOTH: tuple[Change, ...] = (
    ("RGB, not Y", {"colour": lambda x, grey: x}),
    (
        "Y of full range (OpenCV's YCrCb, piq's and pyiqa's grey)",
        {"colour": lambda x, grey: x @ FULL_RANGE},
    ),
    ("Y rounded to whole numbers", {"colour": lambda x, grey: np.floor(luma(x) + 0.5)}),
    ("red and blue swapped before Y", {"colour": lambda x, grey: luma(x[..., ::-1])}),
    (
        "grey images compared as they are, not as Y (MATLAB scripts)",
        {"colour": lambda x, grey: x[..., 0] if grey else luma(x)},
    ),
    (
        "SR truncated to uint8, not rounded",
        {"rounding": lambda y: np.floor(y.clip(0, 1) * 255.0).astype(np.float64)},
    ),
    (
        "SR clipped, but not rounded",
        {"rounding": lambda y: y.clip(0, 1).astype(np.float64) * 255},
    ),
    ("SR neither rounded nor clipped", {"rounding": lambda y: y.astype(np.float64) * 255}),
    ("no border cut", {"border": lambda scale: 0}),
    ("a border of scale + 6 pixels", {"border": lambda scale: scale + 6}),
    ("a border of 4 pixels", {"border": lambda scale: 4}),
    ("self-ensemble of eight turned images", {"forward": readings.eight}),
    ("the network run in bfloat16", {"forward": readings.bf16}),
    (
        "LR by MATLAB's bicubic in floating point",
        {"lr": made_by({"matlab_bicubic": {"precision": "float"}})},
    ),
    (
        "LR by MATLAB's bicubic, made anew",
        {"lr": made_by({"matlab_bicubic": {"precision": "uint8"}})},
    ),
    ("LR by MATLAB's bicubic, truncated", {"lr": readings.truncated_lr}),
    ("LR by Pillow's bicubic", {"lr": made_by("bicubic")}),
    (
        "LR by bicubic without antialiasing (torch's default, OpenCV)",
        {"lr": made_by("aliased_bicubic")},
    ),
    ("LR by bilinear", {"lr": made_by("bilinear")}),
    ("LR by Lanczos", {"lr": made_by("lanczos")}),
    ("LR by nearest", {"lr": made_by("nearest")}),
)


@dataclass(frozen=True)
class Slip:
    """One change of the reading, or two, and what the mean over the set becomes."""

    says: tuple[str, ...]  # empty for the right reading
    score: float
    change: float  # against the right reading


@dataclass(frozen=True)
class Explained:
    """A network's slips on one set, and which of them explain a number."""

    model: str
    data: str
    scale: int
    protocol: str
    metric: Metric
    slips: tuple[Slip, ...]  # the right reading first
    asks: str  # what the gap is between
    gap: float | None  # None where no number was given
    explanations: tuple[Slip, ...]

    def as_plain(self) -> dict[str, Any]:
        """Everything as JSON takes it."""
        both = {key: [vars(one) for one in getattr(self, key)] for key in ("slips", "explanations")}
        return {**vars(self), **both}


def explain(
    asked: Asked,
    *,
    score: float | None = None,
    paper: float | None = None,
    say: Callable[[str], None] = lambda name: None,
) -> Explained:
    """Measure every slip; say which explain `score` against `paper`, or against the right score.

    A number up to 1 is an SSIM, a larger one a PSNR in dB. Where no single slip explains the gap,
    every pair of slips is measured.

    Raises:
        InputError: the network, the weights or the images cannot be used, or an SSIM and a PSNR
            are compared.
    """
    given = [number for number in (score, paper) if number is not None]
    if len({number <= 1 for number in given}) > 1:
        raise InputError(f"{score:g} and {paper:g} are not both PSNR or both SSIM", place="--score")
    metric: Metric = "ssim_y" if given and given[0] <= 1 else "psnr_y"
    images, _ = images_of(asked.data, asked.scale, asked.lr)
    network = of_file(asked.model, asked.scale, asked.weights)
    network.net.to(asked.device)

    def measured(pairs: bool) -> tuple[Slip, ...]:
        asked_for = _readings(asked.scale, metric, pairs=pairs)
        return _slips(network.net, images, asked, asked_for, metric, say)

    found = measured(pairs=False)
    gap, asks = None, ""
    best: list[Slip] = []
    if score is not None:
        gap = score - (found[0].score if paper is None else paper)
        asks = f"{score:g} against {'the right score' if paper is None else f'{paper:g}'}"
        best = _explaining(found, gap, metric) or _explaining(measured(pairs=True), gap, metric)
    return Explained(
        network.name,
        asked.data,
        asked.scale,
        "sr-y-v1",
        metric,
        found,
        asks,
        gap,
        tuple(best[:SHOWN]),
    )


def _readings(scale: int, metric: Metric, *, pairs: bool) -> dict[tuple[str, ...], Reading]:
    """The right reading, each slip that changes it at this scale, and pairs of slips if asked."""
    changes = [
        (says, change)
        for says, change in (*OF_BOTH, *OF_METRIC[metric])
        if "border" not in change or change["border"](scale) != scale
    ]
    found: dict[tuple[str, ...], Reading] = {(): Reading()}
    found |= {(says,): Reading(**change) for says, change in changes}
    for (a, one), (b, other) in combinations(changes if pairs else (), 2):
        if one.keys().isdisjoint(other):
            found[a, b] = Reading(**one, **other)
    return found


def _slips(
    net: nn.Module,
    images: Dataset,
    asked: Asked,
    wanted: dict[tuple[str, ...], Reading],
    metric: Metric,
    say: Callable[[str], None],
) -> tuple[Slip, ...]:
    values: list[list[float]] = []
    for image in images.images:
        say(image.name)
        values.append(_read(net, image, asked, wanted.values(), metric))
    scores = {
        says: reading.mean(own)
        for (says, reading), own in zip(wanted.items(), zip(*values, strict=True), strict=True)
    }
    return tuple(Slip(says, score, score - scores[()]) for says, score in scores.items())


def _read(
    net: nn.Module, image: Image, asked: Asked, wanted: Iterable[Reading], metric: Metric
) -> list[float]:
    """The score of one image in every reading, NaN where it has too few pixels.

    Readings with equal LR and forward pass share one output.
    """
    outputs: dict[tuple[object, object], Output] = {}
    scores: dict[Reading, float] = {}
    found = []
    for reading in wanted:
        own = replace(reading, mean=Reading.mean)
        if own not in scores:
            key = own.lr, own.forward
            if key not in outputs:
                outputs[key] = own.forward(net, own.lr(image, asked.scale), asked.device)
            sr, hr = own.planes(outputs[key], image.hr, asked.scale)
            if metric == "psnr_y":
                scores[own] = psnr(sr, hr) if sr.size else math.nan
            else:
                large = min(sr.shape[:2], default=0) >= SSIM_WINDOW
                scores[own] = own.window(sr, hr) if large else math.nan
        found.append(scores[own])
    return found


def _explaining(found: Sequence[Slip], gap: float, metric: Metric) -> list[Slip]:
    """Those that leave little of a gap (a score less the right one), best first, single first."""
    near = [slip for slip in found if slip.says and abs(slip.change - gap) <= ENOUGH[metric]]
    return sorted(near, key=lambda slip: (len(slip.says), abs(slip.change - gap), slip.says))
