"""What fidelity does not tell: sharpness, grain, and the checkerboard of upsampling.

Each is a number of SR against HR, both uint8 RGB and already cropped, taken on Y. HR against
itself gives 1 for sharpness and 0 for the others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from srbench.core.part_facts import MetricFacts
from srbench.core.slots import Image, metric
from srbench.measure.metrics import Floats, Score, luma, psnr, refuse_smaller

TILE = 16  # pixels: where a checkerboard is looked for
PERIOD = 4  # of its pattern, which covers those of 2; upsampling by 2 and 2 has both
FLAT = 0.25  # the share of pixels that count as smooth


@metric.register("psnr_above_flat", facts=MetricFacts("dB", "higher", validate=True))
def psnr_above_flat() -> Score:
    """PSNR of Y above that of one flat colour, HR's mean, in dB: below 0 SR is worth less.

    A network that ends there has collapsed, as generators do that are trained against a
    discriminator. Ours; the failure is that of Goodfellow et al., Generative adversarial networks,
    2014. https://arxiv.org/abs/1406.2661
    """

    def value(sr: Any, hr: Any) -> float:
        true = luma(hr)
        flat = psnr(true.mean(), true)
        return psnr(luma(sr), true) - flat if math.isfinite(flat) else 0.0

    return Score(value, on_device=True)


@metric.register("sharpness", facts=MetricFacts(better="higher"))
def sharpness() -> Score:
    """Mean gradient of SR over that of HR: 1 is as sharp, less is blurred, more is oversharp.

    After the gradient measure of autofocus: Pertuz et al., Analysis of focus measure operators for
    shape-from-focus, 2013. https://doi.org/10.1016/j.patcog.2012.11.011
    """

    def value(sr: Image, hr: Image) -> float:
        found, wanted = _gradient(luma(sr)), _gradient(luma(hr))
        return found / wanted if wanted else float(found == 0)

    return Score(value)


@metric.register("grain", facts=MetricFacts(better="lower"))
def grain() -> Score:
    """Fine noise that SR adds where HR is smooth: RMS of the high-passed error, 0..255.

    Smooth is the quarter of pixels about which HR varies least; the high pass takes away the mean
    of 3x3 pixels. Ours.
    """

    def value(sr: Image, hr: Image) -> float:
        refuse_smaller(hr, 5, "grain")
        true = luma(hr)
        error = luma(sr) - true
        fine = error[1:-1, 1:-1] - _mean_of_nine(error)
        spread = _mean_of_nine(true**2) - _mean_of_nine(true) ** 2
        smooth = spread <= np.quantile(spread, FLAT)
        return float(np.sqrt(np.mean(fine[smooth] ** 2)))

    return Score(value)


@metric.register("checkerboard", facts=MetricFacts(better="lower"))
def checkerboard() -> Score:
    """A pattern of the error that repeats every four pixels: its RMS in tiles of 16x16, 0..255.

    In each tile the error is averaged over pixels of one place modulo 4; what those means differ
    by is the pattern. Noise alone leaves a sixteenth of its variance. Ours; the artefact is that
    of Odena et al., Deconvolution and checkerboard artifacts, 2016.
    https://doi.org/10.23915/distill.00003
    """

    def value(sr: Image, hr: Image) -> float:
        refuse_smaller(hr, TILE, "checkerboard")
        error = luma(sr) - luma(hr)
        rows, columns = (side // TILE for side in error.shape)
        n = TILE // PERIOD
        tiles = error[: rows * TILE, : columns * TILE].reshape(rows, n, PERIOD, columns, n, PERIOD)
        phases = tiles.mean((1, 4))  # (rows, place down, columns, place across)
        pattern = phases - phases.mean((1, 3), keepdims=True)
        return float(np.sqrt(np.mean(pattern**2)))

    return Score(value)


def _gradient(y: Floats) -> float:
    down, across = np.diff(y, axis=0)[:, :-1], np.diff(y, axis=1)[:-1]
    return float(np.hypot(down, across).mean())


def _mean_of_nine(y: Floats) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(y, (3, 3))
    mean: Floats = windows.mean((2, 3))
    return mean
