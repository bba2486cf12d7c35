"""Scores of one SR image against its HR image, both uint8 RGB and already cropped.

Y and SSIM are the field's: limited range, float64, 11x11 Gaussian, no downsampling. SSIM is
scikit-image's: equal to piq's without its downsampling to 1e-12, and 18 times as fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from srbench.registry import StudyError
from srbench.slots import Image, metric

Floats = NDArray[np.float64]
SSIM_WINDOW, SSIM_SIGMA = 11, 1.5


@dataclass(frozen=True)
class Score:
    """A metric ready to use: (SR, HR) to a number, its unit, and which end is good."""

    function: Callable[[Image, Image], float]
    unit: str = ""
    better: Literal["higher", "lower"] = "higher"

    def __call__(self, sr: Image, hr: Image) -> float:
        return self.function(sr, hr)


@metric.register("psnr_y")
def psnr_y() -> Score:
    """PSNR of Y in dB: the number in the field's tables.

    ITU-R, Recommendation BT.601, 1982, for Y. https://www.itu.int/rec/R-REC-BT.601
    """
    return Score(lambda sr, hr: psnr(luma(sr), luma(hr)), "dB")


@metric.register("psnr_rgb")
def psnr_rgb() -> Score:
    """PSNR over the three colours together, in dB: the number of the NTIRE challenges.

    Ours.
    """
    return Score(lambda sr, hr: psnr(sr.astype(np.float64), hr.astype(np.float64)), "dB")


@metric.register("ssim_y")
def ssim_y() -> Score:
    """SSIM of Y.

    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.
    https://doi.org/10.1109/TIP.2003.819861
    """
    return Score(lambda sr, hr: ssim(luma(sr), luma(hr)))


@metric.register("ssim_rgb")
def ssim_rgb() -> Score:
    """SSIM of each colour, averaged.

    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.
    https://doi.org/10.1109/TIP.2003.819861
    """
    return Score(lambda sr, hr: ssim(sr.astype(np.float64), hr.astype(np.float64)))


@metric.register("l1")
def l1() -> Score:
    """Mean absolute difference over the three colours, in 0..1: smaller is better.

    Ours.
    """
    return Score(
        lambda sr, hr: float(np.abs(sr.astype(np.float64) - hr).mean() / 255), better="lower"
    )


def luma(rgb: Image | Floats) -> Floats:
    """Y of BT.601 in its limited range, 16..235, not rounded: (H, W, 3) to (H, W)."""
    r, g, b = np.moveaxis(rgb.astype(np.float64), -1, 0)
    y: Floats = 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
    return y


def psnr(a: Floats, b: Floats) -> float:
    """10 log10(255² / mse) in dB; identical images give inf."""
    mse = float(np.mean((a - b) ** 2))
    return 10 * math.log10(255**2 / mse) if mse else math.inf


def ssim(a: Floats, b: Floats) -> float:
    """SSIM of (H, W) or (H, W, channels) in 0..255, channels averaged; valid region only.

    Raises:
        StudyError: the images are smaller than the window.
    """
    if min(a.shape[:2]) < SSIM_WINDOW:
        raise StudyError(
            f"SSIM needs {SSIM_WINDOW}x{SSIM_WINDOW} pixels inside the border, "
            f"found {a.shape[1]}x{a.shape[0]}"
        )
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
