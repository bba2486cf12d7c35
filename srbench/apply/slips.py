"""What slips of protocol cost, measured on the images at hand: which one explains a number?

A slip is the protocol's reading of a score with one part changed. Nothing is looked up: the costs
are those of this network on these images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from srbench.apply.readings import FORWARDS, WINDOWS, Reading, lr_of, planes
from srbench.data.decoded import Dataset, Image
from srbench.measure.metrics import SSIM_WINDOW, psnr

Metric = Literal["psnr_y", "ssim_y"]
ENOUGH: dict[Metric, float] = {"psnr_y": 0.02, "ssim_y": 5e-4}
"""A slip explains a difference that it leaves no more than this of."""

ON_PSNR: tuple[tuple[str, dict[str, Any]], ...] = (
    ("PSNR of the mean squared error of all images", {"mean": "of squares"}),
)
ON_SSIM: tuple[tuple[str, dict[str, Any]], ...] = (
    ("scikit-image's default window (7x7, uniform)", {"window": "uniform"}),
    ("variances divided by n - 1 (scikit-image's default)", {"window": "sample"}),
    ("images pooled first (piq's default)", {"window": "pooled"}),
)
ON_BOTH: tuple[tuple[str, dict[str, Any]], ...] = (
    ("RGB, not Y", {"colour": "rgb"}),
    ("Y of full range (OpenCV's YCrCb, piq's and pyiqa's grey)", {"colour": "full"}),
    ("Y rounded to whole numbers", {"colour": "rounded"}),
    ("red and blue swapped before Y", {"colour": "bgr"}),
    ("grey images compared as they are, not as Y (MATLAB scripts)", {"colour": "grey"}),
    ("SR truncated to uint8, not rounded", {"rounding": "truncated"}),
    ("SR clipped, but not rounded", {"rounding": "clipped"}),
    ("SR neither rounded nor clipped", {"rounding": "raw"}),
    ("no border cut", {"border": 0}),
    ("a border of scale + 6 pixels", {"border": "scale + 6"}),
    ("a border of 4 pixels", {"border": 4}),
    ("self-ensemble of eight turned images", {"forward": "eight"}),
    ("the network run in bfloat16", {"forward": "bf16"}),
    ("LR by MATLAB's bicubic in floating point", {"lr": "matlab_bicubic float"}),
    ("LR by MATLAB's bicubic, made anew", {"lr": "matlab_bicubic uint8"}),
    ("LR by MATLAB's bicubic, truncated", {"lr": "truncated"}),
    ("LR by Pillow's bicubic", {"lr": "bicubic"}),
    ("LR by bicubic without antialiasing (torch's default, OpenCV)", {"lr": "aliased_bicubic"}),
    ("LR by bilinear", {"lr": "bilinear"}),
    ("LR by Lanczos", {"lr": "lanczos"}),
    ("LR by nearest", {"lr": "nearest"}),
)


@dataclass(frozen=True)
class Slip:
    """One change of the reading, or two, and what the mean over the set becomes."""

    says: tuple[str, ...]  # empty for the right reading
    score: float
    change: float  # against the right reading


def slips(
    net: nn.Module,
    images: Dataset,
    scale: int,
    metric: Metric,
    *,
    at_once: Literal[1, 2] = 1,
    device: str = "cpu",
    say: Callable[[str], None] = lambda name: None,
) -> tuple[Slip, ...]:
    """The right reading first, then each slip, and each two that go together if so asked.

    Raises:
        InputError: an image has no pixel inside the border.
    """
    asked = _asked(scale, metric, at_once)
    readings = list(dict.fromkeys(asked.values()))
    values: dict[Reading, list[float]] = {reading: [] for reading in readings}
    net.to(device).eval()
    for image in images.images:
        say(image.name)
        for reading, value in _read(net, image, scale, readings, metric, device):
            values[reading].append(value)
    scores = {says: _mean(reading, values[reading]) for says, reading in asked.items()}
    return tuple(Slip(says, score, score - scores[()]) for says, score in scores.items())


def explaining(found: Sequence[Slip], gap: float, metric: Metric) -> list[Slip]:
    """Those that leave little of a gap (a score less the right one), best first, single first."""
    near = [slip for slip in found if slip.says and abs(slip.change - gap) <= ENOUGH[metric]]
    return sorted(near, key=lambda slip: (len(slip.says), abs(slip.change - gap), slip.says))


def _asked(scale: int, metric: Metric, at_once: int) -> dict[tuple[str, ...], Reading]:
    single = (*ON_BOTH, *(ON_PSNR if metric == "psnr_y" else ON_SSIM))
    tried = [(says, _scaled(change, scale)) for says, change in single]
    asked: dict[tuple[str, ...], Reading] = {(): Reading()}
    for says, change in tried:
        if change != {"border": scale}:
            asked[(says,)] = replace(Reading(), **change)
    if at_once == 2:
        for (a, one), (b, other) in combinations(tried, 2):
            if one.keys().isdisjoint(other) and (a,) in asked and (b,) in asked:
                asked[a, b] = replace(Reading(), **one, **other)
    return asked


def _scaled(change: dict[str, Any], scale: int) -> dict[str, Any]:
    return {"border": scale + 6} if change == {"border": "scale + 6"} else change


def _read(
    net: nn.Module,
    image: Image,
    scale: int,
    readings: Sequence[Reading],
    metric: Metric,
    device: str,
) -> Iterator[tuple[Reading, float]]:
    """The score of one image in every reading; what readings share is made once."""
    outputs: dict[tuple[str, str], NDArray[np.float32]] = {}
    known: dict[Reading, float] = {}
    for reading in readings:
        alike = replace(reading, mean="of dB")
        if alike not in known:
            if reading.output not in outputs:
                lr = lr_of(image, scale, reading.lr)
                outputs[reading.output] = FORWARDS[reading.forward](net, lr, device)
            border = scale if reading.border is None else reading.border
            sr, hr = planes(outputs[reading.output], image.hr, reading, border)
            large = min(sr.shape[:2], default=0) >= SSIM_WINDOW
            if metric == "psnr_y":
                known[alike] = psnr(sr, hr) if sr.size else math.nan
            else:
                known[alike] = WINDOWS[reading.window](sr, hr) if large else math.nan
        yield reading, known[alike]


def _mean(reading: Reading, values: Sequence[float]) -> float:
    """The set's score; NaN where an image has too few pixels for the reading."""
    if reading.mean == "of squares":
        squares = fmean(10 ** (-value / 10) for value in values)
        return -10 * math.log10(squares) if squares else math.inf
    return fmean(values)
