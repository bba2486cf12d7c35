"""How an LR image is made from an HR image: what a degradation is, and those that damage.

Resizers are in `resizers.py`, combinations of degradations in `combinations.py`.
A part gets the scale and gives a Degrader. Deterministic ones are applied once to the whole
image, random ones to each patch. Pixels are uint8 between any two steps, as in files.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import PIL.Image

from srbench.core.errors import StudyError
from srbench.core.registry import Range
from srbench.core.slots import Image, degradation
from srbench.data.banded import round_half_up

Degrade = Callable[[Image, np.random.Generator], Image]


@dataclass(frozen=True)
class Degrader:
    """A degradation ready to use; `random` says whether it draws from the generator."""

    function: Degrade
    random: bool = False

    def __call__(self, image: Image, generator: np.random.Generator) -> Image:
        return self.function(image, generator)


def shrink(degrade: Degrade, hr: Image, scale: int, generator: np.random.Generator) -> Image:
    """LR of HR, its size checked: an HR whose sides are multiples of the scale is expected.

    Raises:
        StudyError: the degradation does not divide the size by the scale.
    """
    lr = degrade(hr, generator)
    height, width = (side // scale for side in hr.shape[:2])
    if lr.shape[:2] != (height, width):
        raise StudyError(
            f"degradation: {hr.shape[1]}x{hr.shape[0]} becomes {lr.shape[1]}x{lr.shape[0]}, and "
            f"{width}x{height} is expected at x{scale}: use one resizer (bicubic, ...), in a "
            "pipeline with others if need be"
        )
    return lr


@degradation.register("jpeg")
def jpeg(scale: int, *, quality: tuple[Annotated[int, Range(1, 100)], ...] = (75, 95)) -> Degrader:
    """JPEG and back, quality drawn from a range with both ends included; keeps the size.

    One number instead of two fixes the quality. Colour is halved (4:2:0), as Pillow does.

    quality  Pillow's JPEG quality, 1 to 100: one number, or the lowest and the highest

    Wallace, The JPEG still picture compression standard, 1991.
    https://doi.org/10.1145/103085.103089
    """
    if len(quality) not in (1, 2) or quality[0] > quality[-1]:
        raise StudyError(f"jpeg: quality is one number or [low, high], found {list(quality)}")
    low, high = quality[0], quality[-1]

    def function(image: Image, generator: np.random.Generator) -> Image:
        chosen = low if low == high else int(generator.integers(low, high, endpoint=True))
        with io.BytesIO() as file:
            PIL.Image.fromarray(image).save(file, "JPEG", quality=chosen)
            return np.array(PIL.Image.open(file, formats=("JPEG",)))

    return Degrader(function, random=low != high)


@degradation.register("noise")
def noise(scale: int, *, sigma: Annotated[float, Range(0, 255)] = 10.0) -> Degrader:
    """Gaussian noise, independent for each pixel and channel, sigma in 0..255; keeps the size.

    sigma  standard deviation of the noise, of 255

    Ours.
    """

    def function(image: Image, generator: np.random.Generator) -> Image:
        return round_half_up(image + sigma * generator.standard_normal(image.shape))

    return Degrader(function, random=True)


@degradation.register("blur")
def blur(
    scale: int,
    *,
    sigma: Annotated[float, Range(0.01, 100)] = 1.6,
    size: Annotated[int, Range(1, 255)] = 7,
) -> Degrader:
    """Gaussian blur of `size` x `size` pixels, border mirrored; keeps the size.

    The defaults are the blur of the field's BD setting, where x3 downsampling follows.

    sigma  standard deviation of the Gaussian, in pixels of the image that is blurred
    size   side of the kernel in pixels, an odd number

    Zhang et al., Residual dense network for image super-resolution, 2018.
    https://arxiv.org/abs/1802.08797
    """
    from scipy.ndimage import correlate1d  # late: 0.2 s of every plan that does not blur

    if size % 2 == 0:
        raise StudyError(f"blur: size {size} is even; a blur with a centre needs an odd one")
    x = np.arange(size) - size // 2
    kernel = np.exp(-0.5 * (x / sigma) ** 2)
    kernel /= kernel.sum()

    def function(image: Image, _: np.random.Generator) -> Image:
        rows = correlate1d(image.astype(np.float64), kernel, axis=0, mode="reflect")
        return round_half_up(correlate1d(rows, kernel, axis=1, mode="reflect"))

    return Degrader(function)
