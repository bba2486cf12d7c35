"""Degradations that only shrink: HR to LR by one kernel.

`matlab_bicubic` is the field's; the others show what a network does with LR made otherwise.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import PIL.Image
from PIL.Image import Resampling

from srbench.core.slots import Image, degradation
from srbench.data.banded import resize_axis, round_half_up
from srbench.data.degradations import Degrader


@degradation.register("matlab_bicubic")
def matlab_bicubic(scale: int, *, precision: Literal["uint8", "float"] = "uint8") -> Degrader:
    """MATLAB's imresize, which made the field's LR files; `uint8` equals them bit for bit.

    Cubic kernel a = -0.5, widened; rows first, then columns. `uint8` rounds half up and clips
    after each pass, as MATLAB does with a uint8 image; `float` works in 0..1, in float32, and
    rounds once, half to even: the bits of BasicSR's port.

    precision  of the values between the two passes: uint8 as MATLAB, float as BasicSR

    Keys, Cubic convolution interpolation for digital image processing, 1981.
    https://doi.org/10.1109/TASSP.1981.1163711
    """

    def of_uint8(image: Image, _: np.random.Generator) -> Image:
        height, width = (side // scale for side in image.shape[:2])
        rows = round_half_up(resize_axis(image, 0, height))
        return round_half_up(resize_axis(rows, 1, width))

    def of_float(image: Image, _: np.random.Generator) -> Image:
        height, width = (side // scale for side in image.shape[:2])
        values = image.astype(np.float32) / 255
        both = resize_axis(resize_axis(values, 0, height), 1, width)
        rounded: Image = np.rint(both.clip(0, 1) * 255).astype(np.uint8)
        return rounded

    return Degrader(of_uint8 if precision == "uint8" else of_float)


@degradation.register("bicubic")
def bicubic(scale: int) -> Degrader:
    """Pillow's bicubic with antialiasing: differs from MATLAB's by rounding and at the border.

    Keys, Cubic convolution interpolation for digital image processing, 1981.
    https://doi.org/10.1109/TASSP.1981.1163711
    """
    return _pillow(scale, Resampling.BICUBIC)


@degradation.register("bilinear")
def bilinear(scale: int) -> Degrader:
    """Pillow's bilinear with antialiasing: a triangle twice the scale wide.

    Clark and contributors, Pillow: Python imaging library.
    https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters
    """
    return _pillow(scale, Resampling.BILINEAR)


@degradation.register("lanczos")
def lanczos(scale: int) -> Degrader:
    """Pillow's Lanczos with antialiasing, three lobes.

    Duchon, Lanczos filtering in one and two dimensions, 1979.
    https://doi.org/10.1175/1520-0450(1979)018%3C1016:LFIOAT%3E2.0.CO;2
    """
    return _pillow(scale, Resampling.LANCZOS)


@degradation.register("nearest")
def nearest(scale: int) -> Degrader:
    """The pixel nearest to each LR pixel's centre, the upper left one of several; aliases.

    Ours.
    """
    first = (scale - 1) // 2
    return Degrader(lambda image, _: image[first::scale, first::scale])


@degradation.register("aliased_bicubic")
def aliased_bicubic(scale: int) -> Degrader:
    """torch's bicubic without antialiasing, a = -0.75: what a network trained on bicubic fails on.

    It costs such a network about 8 dB; included for comparison; it is not bicubic.

    Paszke et al., PyTorch: an imperative style, high-performance deep learning library, 2019.
    https://arxiv.org/abs/1912.01703
    """

    def function(image: Image, _: np.random.Generator) -> Image:
        height, width = (side // scale for side in image.shape[:2])
        rows = resize_axis(image, 0, height, antialias=False, a=-0.75)
        return round_half_up(resize_axis(rows, 1, width, antialias=False, a=-0.75))

    return Degrader(function)


def _pillow(scale: int, kernel: Resampling) -> Degrader:
    def function(image: Image, _: np.random.Generator) -> Image:
        height, width = (side // scale for side in image.shape[:2])
        return np.array(PIL.Image.fromarray(image).resize((width, height), kernel))

    return Degrader(function)
