"""Scores of one SR image against its HR image, both uint8 RGB and already cropped.

Y and SSIM are the field's: limited range, float64, 11x11 Gaussian, no downsampling. SSIM is
scikit-image's: equal to piq's without its downsampling to 1e-12, and 18 times as fast. Images that
are on a CUDA device stay there: the same formulas, and piq's SSIM, in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from srbench.core.colours import LUMA
from srbench.core.errors import StudyError
from srbench.core.part_facts import MetricFacts
from srbench.core.slots import Image, metric

Floats = NDArray[np.float64]
Values = Any
"""Float64 pixels, (H, W) or (H, W, channels): an array, or a tensor on its device."""
SSIM_WINDOW, SSIM_SIGMA = 11, 1.5


@dataclass(frozen=True)
class Score:
    """A metric ready to use: (SR, HR) to a number.

    `on_device` says that SR and HR may be tensors too, and that the number is computed where they
    are; other metrics get arrays.
    """

    function: Callable[[Any, Any], float]
    on_device: bool = False

    def __call__(self, sr: Image | Tensor, hr: Image | Tensor) -> float:
        return self.function(sr, hr)


@metric.register("psnr_y", facts=MetricFacts("dB", "higher", "PSNR-Y", validate=True))
def psnr_y() -> Score:
    """PSNR of Y in dB: the number in the field's tables.

    ITU-R, Recommendation BT.601, 1982, for Y. https://www.itu.int/rec/R-REC-BT.601
    """
    return Score(lambda sr, hr: psnr(luma(sr), luma(hr)), on_device=True)


@metric.register("psnr_rgb", facts=MetricFacts("dB", "higher", "PSNR-RGB", validate=True))
def psnr_rgb() -> Score:
    """PSNR over the three colours together, in dB: the number of the NTIRE challenges.

    Ours.
    """
    return Score(lambda sr, hr: psnr(doubles(sr), doubles(hr)), on_device=True)


@metric.register("ssim_y", facts=MetricFacts("", "higher", "SSIM-Y", validate=True))
def ssim_y() -> Score:
    """SSIM of Y.

    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.
    https://doi.org/10.1109/TIP.2003.819861
    """
    return Score(lambda sr, hr: ssim(luma(sr), luma(hr)), on_device=True)


@metric.register("ssim_rgb", facts=MetricFacts("", "higher", "SSIM-RGB"))
def ssim_rgb() -> Score:
    """SSIM of each colour, averaged.

    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.
    https://doi.org/10.1109/TIP.2003.819861
    """
    return Score(lambda sr, hr: ssim(doubles(sr), doubles(hr)), on_device=True)


@metric.register("l1", facts=MetricFacts("", "lower", "L1"))
def l1() -> Score:
    """Mean absolute difference over the three colours, in 0..1: smaller is better.

    Ours.
    """
    return Score(
        lambda sr, hr: float(abs(doubles(sr) - doubles(hr)).mean() / 255),
        on_device=True,
    )


def doubles(image: Any) -> Values:
    """An array's or a tensor's pixels in float64, where they are."""
    return image.double() if isinstance(image, Tensor) else image.astype(np.float64)


def luma(rgb: Any) -> Values:
    """Y of BT.601 in its limited range, 16..235, not rounded: (H, W, 3) to (H, W)."""
    values = doubles(rgb)
    r, g, b = (values[..., colour] for colour in range(3))
    return 16 + (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b) / 255


def psnr(a: Values, b: Values) -> float:
    """10 log10(255² / mse) in dB; identical images give inf."""
    mse = float(((a - b) ** 2).mean())
    return 10 * math.log10(255**2 / mse) if mse else math.inf


def ssim(a: Values, b: Values) -> float:
    """SSIM of (H, W) or (H, W, channels) in 0..255, channels averaged; valid region only.

    Raises:
        StudyError: the images are smaller than the window.
    """
    refuse_smaller(a, SSIM_WINDOW, "SSIM")
    if isinstance(a, Tensor):
        return _ssim_there(a, b)
    from skimage.metrics import structural_similarity  # late: scikit-image takes a while

    return float(
        structural_similarity(
            a,
            b,
            data_range=255.0,
            gaussian_weights=True,
            sigma=SSIM_SIGMA,
            use_sample_covariance=False,
            channel_axis=2 if a.ndim == 3 else None,
        )
    )


def _ssim_there(a: Tensor, b: Tensor) -> float:
    """The same of tensors, on their device."""
    import piq  # late: it brings torchvision

    planes = [x[None] if x.ndim == 2 else x.permute(2, 0, 1) for x in (a, b)]  # (channels, H, W)
    x, y = (plane[None] for plane in planes)
    return float(piq.ssim(x, y, SSIM_WINDOW, SSIM_SIGMA, data_range=255.0, downsample=False))


def refuse_smaller(image: Any, side: int, name: str) -> None:
    """Refuse an image, (H, W) or (H, W, 3), with fewer than `side` pixels a side.

    Raises:
        StudyError: names the metric and both sizes.
    """
    if min(image.shape[:2]) < side:
        raise StudyError(
            f"{name} needs {side}x{side} pixels inside the border, "
            f"found {image.shape[1]}x{image.shape[0]}"
        )
