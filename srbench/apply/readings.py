"""A score read off in other ways than the protocol's: the protocol taken apart, part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from torch import nn
from torch.nn import functional

from srbench.core.slots import Image as Pixels
from srbench.core.slots import degradation
from srbench.data.banded import resize_axis
from srbench.data.decoded import Image
from srbench.measure.metrics import Floats, luma, ssim
from srbench.measure.scores import evaluation_lr, raw_output

Output = NDArray[np.float32]
PIQ_SIDE = 256  # piq pools images until their shorter side is about this


@dataclass(frozen=True)
class Reading:
    """How a score is read off; the defaults are `sr-y-v1`."""

    lr: str = "own"
    forward: str = "once"
    rounding: str = "rounded"
    colour: str = "y"
    border: int | None = None  # None: as many pixels as the scale
    mean: str = "of dB"
    window: str = "field"

    @property
    def output(self) -> tuple[str, str]:
        """What decides the network's output: readings that share it share one forward pass."""
        return self.lr, self.forward


def lr_of(image: Image, scale: int, made: str) -> Pixels:
    """The LR image: the set's own, or made by a degradation, or truncated where it is rounded."""
    if made == "own":
        return evaluation_lr(image, scale)
    if made == "truncated":
        height, width = (side // scale for side in image.hr.shape[:2])
        both = resize_axis(resize_axis(image.hr / 255, 0, height), 1, width)
        truncated: Pixels = np.floor(both.clip(0, 1) * 255).astype(np.uint8)
        return truncated
    name, _, precision = made.partition(" ")
    part = degradation.parse({name: {"precision": precision}} if precision else name)
    return np.ascontiguousarray(part.build()(scale)(image.hr, np.random.default_rng(0)))


def once(net: nn.Module, lr: Pixels, device: str) -> Output:
    """(H, W, 3) as the network gives it, in about 0..1."""
    found: Output = raw_output(net, lr, device).cpu().numpy()
    return found


def eight(net: nn.Module, lr: Pixels, device: str) -> Output:
    """Mean of the outputs for the eight turned and mirrored images, each turned back."""
    found = []
    for turns in range(4):
        for flip in (False, True):
            turned = np.rot90(lr[:, ::-1] if flip else lr, turns)
            back = np.rot90(once(net, np.ascontiguousarray(turned), device), -turns)
            found.append(back[:, ::-1] if flip else back)
    mean: Output = np.mean(found, axis=0, dtype=np.float32)
    return mean


def bf16(net: nn.Module, lr: Pixels, device: str) -> Output:
    """The output of a network that computes in bfloat16."""
    kind = torch.device(device).type
    x = torch.tensor(lr, device=device).permute(2, 0, 1)[None].float() / 255  # (1, 3, h, w)
    with torch.inference_mode(), torch.autocast(kind, torch.bfloat16):
        y = net.eval()(x)
    found: Output = y[0].permute(1, 2, 0).float().cpu().numpy()
    return found


FORWARDS: dict[str, Callable[[nn.Module, Pixels, str], Output]] = {
    "once": once,
    "eight": eight,
    "bf16": bf16,
}
ROUNDINGS: dict[str, Callable[[Output], Floats]] = {
    "rounded": lambda y: np.floor(y.clip(0, 1) * 255.0 + 0.5).astype(np.float64),
    "truncated": lambda y: np.floor(y.clip(0, 1) * 255.0).astype(np.float64),
    "clipped": lambda y: y.clip(0, 1).astype(np.float64) * 255,
    "raw": lambda y: y.astype(np.float64) * 255,
}
COLOURS: dict[str, Callable[[Floats], Floats]] = {
    "y": lambda x: luma(x),
    "rounded": lambda x: np.floor(luma(x) + 0.5),
    "full": lambda x: x @ np.array([0.299, 0.587, 0.114]),
    "bgr": lambda x: luma(x[..., ::-1]),
    "rgb": lambda x: x,
    "first": lambda x: x[..., 0],
}


def planes(output: Output, hr: Pixels, reading: Reading, border: int) -> tuple[Floats, Floats]:
    """SR and HR as the numbers that are compared, borders cut."""
    inner = (slice(border, hr.shape[0] - border), slice(border, hr.shape[1] - border))
    name = reading.colour
    if name == "grey":  # MATLAB scripts convert only what has three channels
        name = "first" if bool((hr == hr[..., :1]).all()) else "y"
    sr = ROUNDINGS[reading.rounding](output)[inner]
    return COLOURS[name](sr), COLOURS[name](hr[inner].astype(np.float64))


def uniform(a: Floats, b: Floats) -> float:
    """scikit-image's default: a 7x7 window, all pixels alike."""
    return float(structural_similarity(a, b, data_range=255.0, channel_axis=_channels(a)))


def sample(a: Floats, b: Floats) -> float:
    """The field's window, but variances divided by n - 1, scikit-image's default."""
    return float(
        structural_similarity(
            a, b, data_range=255.0, gaussian_weights=True, sigma=1.5, channel_axis=_channels(a)
        )
    )


def pooled(a: Floats, b: Floats) -> float:
    """The field's window on images made smaller first, as piq's default does."""
    factor = max(1, round(min(a.shape[:2]) / PIQ_SIDE))
    return ssim(_pooled(a, factor), _pooled(b, factor))


WINDOWS: dict[str, Callable[[Floats, Floats], float]] = {
    "field": ssim,
    "uniform": uniform,
    "sample": sample,
    "pooled": pooled,
}


def _pooled(x: Floats, factor: int) -> Floats:
    channels = torch.from_numpy(np.ascontiguousarray(x)).reshape(*x.shape[:2], -1).permute(2, 0, 1)
    small = functional.avg_pool2d(channels, factor).permute(1, 2, 0).numpy()
    found: Floats = small[..., 0] if x.ndim == 2 else small
    return found


def _channels(x: Floats) -> int | None:
    return 2 if x.ndim == 3 else None
