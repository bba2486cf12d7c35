"""From a network to scores, by a named protocol: LR in, SR out, border off, metrics on.

A slip here costs more than the blocks under test are worth (0.02 to 8 dB), so every step is one
small function, and each score carries the name of the protocol that made it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from typing import Protocol as Interface

import numpy as np
import torch
from torch import Tensor, nn

from srbench.core.errors import StudyError
from srbench.core.resample import weights
from srbench.core.slots import Image, degradation
from srbench.measure.forward import Pixels, on_host, resolved
from srbench.measure.metrics import Floats
from srbench.measure.named import choice, split
from srbench.measure.sets import Answers, SetScore, score_set


@dataclass(frozen=True)
class Protocol:
    """How scores are made; two scores are comparable only under one protocol."""

    name: str
    about: str
    metrics: tuple[str, ...]  # its headline metrics; others may be scored too
    border: int | None = None  # pixels cut from each side; None: as many as the scale
    scales: tuple[int, ...] = ()  # where it is defined; empty: everywhere
    lr: str = "matlab_bicubic"  # the degradation where a dataset brings no LR


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("sr-y-v1", "the field's tables: Y, border as the scale", ("psnr_y", "ssim_y")),
        Protocol("sr-rgb-v1", "RGB, else as sr-y-v1", ("psnr_rgb", "ssim_rgb")),
        Protocol(
            "ntire-esr",
            "NTIRE's efficient SR challenge: RGB, x4, border 4",
            ("psnr_rgb", "ssim_rgb"),
            border=4,
            scales=(4,),
        ),
    )
}


Metrics = Mapping[str, Callable[[Any, Any], float]]


class Pair(Interface):
    """An image as the datasets give it: HR, and LR where the dataset has its own."""

    @property
    def hr(self) -> Image: ...
    @property
    def lr(self) -> Image | None: ...


def evaluation_lr(image: Pair, scale: int, protocol: Protocol = PROTOCOLS["sr-y-v1"]) -> Image:
    """The LR image that networks are tested on: the dataset's own, else the protocol's.

    Parts must be loaded (`srbench.core.slots.load`), or the degradation is not known.
    """
    if image.lr is not None:
        return image.lr
    degrade = degradation.parse(protocol.lr).build()(scale)
    lr: Image = degrade(image.hr[:], np.random.default_rng(0))
    return lr


def nothing_to_restore(images: Iterable[Pair], scale: int) -> bool:
    """Whether every LR image equals HR, as at scale 1 without LR files or a degradation."""
    return scale == 1 and all(i.lr is None or np.array_equal(i.lr, i.hr) for i in images)


def crop_border(image: Any, pixels: int) -> Any:
    """The image without `pixels` on each side."""
    height, width = image.shape[:2]
    return image[pixels : height - pixels, pixels : width - pixels]


def score_pair(
    sr: Pixels, hr: Image, protocol: Protocol, scale: int, metrics: Metrics
) -> dict[str, float]:
    """Every metric of one SR image against its HR image, borders cut as the protocol says.

    Where SR is on a device, metrics that can are computed there.

    Raises:
        StudyError: sizes differ, nothing is left inside the border, or the protocol is not
            defined at this scale.
    """
    if protocol.scales and scale not in protocol.scales:
        allowed = ", ".join(f"x{s}" for s in protocol.scales)
        raise StudyError(f"protocol {protocol.name} is defined at {allowed}, not at x{scale}")
    if sr.shape != hr.shape:
        raise StudyError(f"SR is {sr.shape[1]}x{sr.shape[0]}, HR {hr.shape[1]}x{hr.shape[0]}")
    border = border_of(protocol, scale)
    if min(hr.shape[:2]) <= 2 * border:
        raise StudyError(f"{hr.shape[1]}x{hr.shape[0]} pixels are all within the border, {border}")
    inner_sr, inner_hr = crop_border(sr, border), crop_border(hr, border)
    if not isinstance(sr, Tensor):
        return {name: score(inner_sr, inner_hr) for name, score in metrics.items()}
    stay = {name for name, score in metrics.items() if getattr(score, "on_device", False)}
    there = (inner_sr, torch.tensor(inner_hr, device=sr.device)) if stay else ()
    here = (on_host(inner_sr), inner_hr) if len(stay) < len(metrics) else ()
    return {name: score(*(there if name in stay else here)) for name, score in metrics.items()}


def border_of(protocol: Protocol, scale: int) -> int:
    """Pixels that are cut from each side of an output of this factor."""
    return scale if protocol.border is None else protocol.border


def score_outputs(
    found: Mapping[int, Pixels], hr: Image, protocol: Protocol, scale: int, metrics: Metrics
) -> dict[str, float]:
    """Every metric, by a name that may say which output it is of: psnr_y, psnr_y/x2.

    A smaller output is scored against HR shrunk by the protocol's degradation. A metric of an
    output that the network does not have is NaN.
    """
    row: dict[str, float] = {}
    for factor in {split(name, scale)[1] for name in metrics}:
        mine = {n: m for n, m in metrics.items() if split(n, scale)[1] == factor}
        if factor not in found:
            row |= dict.fromkeys(mine, math.nan)
            continue
        true = _held_against(hr, factor, protocol, scale)
        row |= score_pair(found[factor], true, protocol, factor, mine)
    return {name: row[name] for name in metrics}


def _held_against(hr: Image, factor: int, protocol: Protocol, scale: int) -> Image:
    """HR of the size of the output of this factor."""
    if factor == scale:
        return hr
    shrink: Callable[[Image, np.random.Generator], Image]
    shrink = degradation.parse(protocol.lr).build()(scale // factor)
    return shrink(hr, np.random.default_rng(0))


@dataclass(frozen=True)
class Pictured:
    """An image of a set, and what a network made of it."""

    name: str
    lr: Image
    hr: Image
    found: Mapping[int, Image]


def score_sets(
    net: nn.Module,
    pictured: Sequence[Pictured],
    protocol: Protocol,
    scale: int,
    metrics: Mapping[str, SetScore],
    *,
    device: torch.device | str = "cpu",
    listen: Callable[[], Any] = lambda: None,
) -> tuple[dict[str, Sequence[float]], list[str]]:
    """Every metric of a whole set, a number an image; and the reasons for missing ones.

    Names say which output they are of; of one that the network does not have they are NaN.
    `listen` is called before each, for some take long.
    """
    values: dict[str, Sequence[float]] = {}
    why: list[str] = []
    for factor in {split(name, scale)[1] for name in metrics}:
        mine = {n: m for n, m in metrics.items() if split(n, scale)[1] == factor}
        if any(factor not in p.found for p in pictured):
            values |= dict.fromkeys(mine, [math.nan] * len(pictured))
            continue
        border = border_of(protocol, factor)

        def again(lr: Image, factor: int = factor, border: int = border) -> Image:
            image: Image = crop_border(resolved(net, lr, device)[factor], border)
            return image

        hr = (_held_against(p.hr, factor, protocol, scale) for p in pictured)
        answers = Answers(
            names=tuple(p.name for p in pictured),
            lr=tuple(p.lr for p in pictured),
            hr=tuple(crop_border(image, border) for image in hr),
            sr=tuple(crop_border(p.found[factor], border) for p in pictured),
            again=again,
        )
        scored, missing = score_set(answers, mine, listen)
        values |= scored
        why += missing
    return values, why


def metrics_named(names: Iterable[str], scale: int) -> tuple[Metrics, dict[str, SetScore]]:
    """The metrics of these names, ready to use: those of two images, and those of a whole set."""
    ready = {name: choice(split(name, scale)[0]).build()() for name in names}
    whole = {name: score for name, score in ready.items() if isinstance(score, SetScore)}
    return {name: score for name, score in ready.items() if name not in whole}, whole


def bicubic_there_and_back(y: Floats, scale: int) -> Floats:
    """One channel (H, W) in 0..255 down and up by MATLAB's bicubic, rounded at the end only."""
    low = _bicubic(y, y.shape[0] // scale, y.shape[1] // scale)
    rounded: Floats = np.floor(_bicubic(low, *y.shape).clip(0, 255) + 0.5)
    return rounded


def _bicubic(y: Floats, height: int, width: int) -> Floats:
    return weights(y.shape[0], height) @ y @ weights(y.shape[1], width).T
