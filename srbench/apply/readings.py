"""The protocol of a score taken apart, so that one part at a time can be replaced."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from torch import nn
from torch.nn import functional

from srbench.core.numbers import without_infinite
from srbench.core.slots import Image as Pixels
from srbench.core.slots import degradation
from srbench.data.banded import resize_axis
from srbench.data.decoded import Image
from srbench.measure.forward import raw_output, self_ensemble
from srbench.measure.metrics import Floats, luma, ssim
from srbench.measure.scores import evaluation_lr

Output = NDArray[np.float32]
"""(H, W, 3) as a network gives it, in about 0..1."""
PIQ_SIDE = 256  # piq pools images until their shorter side is about this


def once(net: nn.Module, lr: Pixels, device: str) -> Output:
    """The network's output, as it is."""
    found: Output = raw_output(net, lr, device).cpu().numpy()
    return found


def eight(net: nn.Module, lr: Pixels, device: str) -> Output:
    """Mean of the outputs for the eight turned and mirrored images, each turned back."""
    outputs = self_ensemble(net, lr[None], device)
    found: Output = outputs[max(outputs)][0].cpu().numpy()
    return found


def bf16(net: nn.Module, lr: Pixels, device: str) -> Output:
    """The output of a network that computes in bfloat16."""
    x = torch.tensor(lr, device=device).permute(2, 0, 1)[None].float() / 255  # (1, 3, h, w)
    with torch.inference_mode(), torch.autocast(torch.device(device).type, torch.bfloat16):
        y = net.eval()(x)
    found: Output = y[0].permute(1, 2, 0).float().cpu().numpy()
    return found


@dataclass(frozen=True)
class Reading:
    """How a score is taken, part by part; the defaults are `sr-y-v1`."""

    lr: Callable[[Image, int], Pixels] = evaluation_lr  # of an image, at a scale
    forward: Callable[[nn.Module, Pixels, str], Output] = once
    rounding: Callable[[Output], Floats] = lambda y: np.floor(y.clip(0, 1) * 255.0 + 0.5).astype(
        np.float64
    )
    colour: Callable[[Floats, bool], Floats] = lambda x, grey: luma(x)  # grey: HR is
    border: Callable[[int], int] = lambda scale: scale
    window: Callable[[Floats, Floats], float] = ssim
    mean: Callable[[Sequence[float]], float] = lambda values: fmean(without_infinite(values))

    def planes(self, output: Output, hr: Pixels, scale: int) -> tuple[Floats, Floats]:
        """SR and HR as the numbers that are compared, borders cut."""
        border, grey = self.border(scale), bool((hr == hr[..., :1]).all())
        inner = (slice(border, hr.shape[0] - border), slice(border, hr.shape[1] - border))
        sr = self.rounding(output)[inner]
        return self.colour(sr, grey), self.colour(hr[inner].astype(np.float64), grey)


def made_by(part: object) -> Callable[[Image, int], Pixels]:
    """LR made of HR by a degradation as a study writes it."""

    def make(image: Image, scale: int) -> Pixels:
        degrade = degradation.parse(part).build()(scale)
        return np.ascontiguousarray(degrade(image.hr, np.random.default_rng(0)))

    return make


def truncated_lr(image: Image, scale: int) -> Pixels:
    """MATLAB's bicubic, cut down to whole numbers where MATLAB rounds."""
    height, width = (side // scale for side in image.hr.shape[:2])
    both = resize_axis(resize_axis(image.hr / 255, 0, height), 1, width)
    truncated: Pixels = np.floor(both.clip(0, 1) * 255).astype(np.uint8)
    return truncated


def uniform(a: Floats, b: Floats) -> float:
    """SSIM by scikit-image's default: a 7x7 window, all pixels alike."""
    return float(structural_similarity(a, b, data_range=255.0, channel_axis=_channels(a)))


def sample(a: Floats, b: Floats) -> float:
    """SSIM by the field's window, but variances divided by n - 1, scikit-image's default."""
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "channel_axis": _channels(a)}
    return float(structural_similarity(a, b, data_range=255.0, **gaussian))


def pooled(a: Floats, b: Floats) -> float:
    """SSIM by the field's window on images made smaller first, as piq's default does."""
    factor = max(1, round(min(a.shape[:2]) / PIQ_SIDE))
    return ssim(_pooled(a, factor), _pooled(b, factor))


def of_squares(values: Sequence[float]) -> float:
    """PSNR of the mean squared error of all images, from the PSNR of each."""
    squares = fmean(10 ** (-value / 10) for value in values)
    return -10 * math.log10(squares) if squares else math.inf


def _pooled(x: Floats, factor: int) -> Floats:
    channels = torch.from_numpy(np.ascontiguousarray(x)).reshape(*x.shape[:2], -1).permute(2, 0, 1)
    small = functional.avg_pool2d(channels, factor).permute(1, 2, 0).numpy()
    found: Floats = small[..., 0] if x.ndim == 2 else small
    return found


def _channels(x: Floats) -> int | None:
    return 2 if x.ndim == 3 else None
