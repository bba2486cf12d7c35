"""Interpolation as models: no parameters, no training, scored and timed like every other."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.core.resample import Kernel
from srbench.core.resized import upscaled
from srbench.core.slots import model


class Interpolation(nn.Module):
    """Upscale by one kernel: (N, 3, H, W) to (N, 3, scale*H, scale*W)."""

    def __init__(self, scale: int, kernel: Kernel) -> None:
        super().__init__()
        self.scale, self.kernel = scale, kernel

    def forward(self, x: Tensor) -> Tensor:
        return upscaled(x, self.scale, self.kernel)


@model.register("nearest")
def nearest(scale: int) -> nn.Module:
    """Nearest-neighbour interpolation: every pixel is repeated. Ours."""
    return Interpolation(scale, "nearest")


@model.register("bilinear")
def bilinear(scale: int) -> nn.Module:
    """Bilinear interpolation; pixel centres are aligned. Ours."""
    return Interpolation(scale, "bilinear")


@model.register("bicubic")
def bicubic(scale: int) -> nn.Module:
    """Bicubic interpolation, a = -0.5 as in MATLAB, borders mirrored, one rounding at the end.

    Keys, Cubic convolution interpolation for digital image processing, 1981.
    https://doi.org/10.1109/TASSP.1981.1163711
    """
    return Interpolation(scale, "bicubic")


@model.register("lanczos")
def lanczos(scale: int) -> nn.Module:
    """Lanczos interpolation: a windowed sinc over six pixels, borders mirrored.

    Duchon, Lanczos filtering in one and two dimensions, 1979.
    https://doi.org/10.1175/1520-0450(1979)018%3C1016:LFIOAT%3E2.0.CO;2
    """
    return Interpolation(scale, "lanczos")
