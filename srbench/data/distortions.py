"""Augmentations from classification: rotation, crops made larger, jitter, blur.

They are here to be measured. Rotation and blur resample each patch by itself, so that LR is only
nearly what the degradation would make of HR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from PIL import Image as Picture
from PIL import ImageFilter
from PIL.Image import Resampling

from srbench.core.registry import Range
from srbench.core.slots import Image, augmentation
from srbench.data.augmentations import Augment, Probability
from srbench.data.banded import round_half_up

Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True)
class Resampled:
    """An augmentation that interpolates LR and HR each on a grid of its own."""

    function: Augment
    resamples: bool = True

    def __call__(self, lr: Image, hr: Image, generator: np.random.Generator) -> tuple[Image, Image]:
        return self.function(lr, hr, generator)


@augmentation.register("rotation")
def rotation(*, degrees: Annotated[float, Range(0, 180)] = 15.0) -> Augment:
    """Turned about its centre by up to `degrees` either way, bilinear; the corners become black.

    degrees  largest angle, drawn evenly from both directions

    Shorten, Khoshgoftaar, A survey on image data augmentation for deep learning, 2019.
    https://doi.org/10.1186/s40537-019-0197-0
    """

    def turn(image: Image, angle: float) -> Image:
        return np.array(Picture.fromarray(image).rotate(angle, Resampling.BILINEAR))

    def function(lr: Image, hr: Image, generator: np.random.Generator) -> tuple[Image, Image]:
        angle = float(generator.uniform(-degrees, degrees))
        return turn(lr, angle), turn(hr, angle)

    return Resampled(function)


@augmentation.register("random_crop")
def random_crop(*, least: Annotated[float, Range(0.1, 1)] = 0.7) -> Augment:
    """A window of `least` to all of the patch, made as large as the patch by repeating pixels.

    least  smallest side of the window, as a share of the patch's side

    Szegedy et al., Going deeper with convolutions, 2015. https://arxiv.org/abs/1409.4842
    """

    def augment(lr: Image, hr: Image, generator: np.random.Generator) -> tuple[Image, Image]:
        side, scale = lr.shape[0], hr.shape[0] // lr.shape[0]
        window = max(1, round(side * float(generator.uniform(least, 1))))
        down, across = generator.integers(0, side - window, 2, endpoint=True)
        taken = np.arange(side) * window // side  # LR lines of the window, some of them twice
        fine = (taken[:, None] * scale + np.arange(scale)).ravel()
        small = lr[(down + taken)[:, None], (across + taken)[None]]
        large = hr[(down * scale + fine)[:, None], (across * scale + fine)[None]]
        return small, large

    return augment


@augmentation.register("colour_jitter")
def colour_jitter(
    *, brightness: Share = 0.2, contrast: Share = 0.2, saturation: Share = 0.2
) -> Augment:
    """Brightness, contrast about the middle grey, and saturation, each times 1 +- a draw.

    brightness, contrast, saturation  the largest draw of each

    Krizhevsky et al., ImageNet classification with deep convolutional networks, 2012.
    https://doi.org/10.1145/3065386
    """

    def change(image: Image, light: float, spread: float, colour: float) -> Image:
        values = image * light
        values = 127.5 + (values - 127.5) * spread
        grey = values @ np.array([0.299, 0.587, 0.114])
        return round_half_up(grey[..., None] + (values - grey[..., None]) * colour)

    def augment(lr: Image, hr: Image, generator: np.random.Generator) -> tuple[Image, Image]:
        widths = np.array([brightness, contrast, saturation])
        light, spread, colour = 1 + widths * generator.uniform(-1, 1, 3)
        return change(lr, light, spread, colour), change(hr, light, spread, colour)

    return augment


@augmentation.register("gaussian_blur")
def gaussian_blur(
    *, sigma: Annotated[float, Range(0.01, 20)] = 1.0, p: Probability = 0.5
) -> Augment:
    """Smoothed, with probability p, by a Gaussian of up to `sigma` HR pixels, narrower in LR.

    sigma  largest standard deviation of the Gaussian, in HR pixels, drawn evenly from 0
    p      probability of the change, 0 to 1

    Shorten, Khoshgoftaar, A survey on image data augmentation for deep learning, 2019.
    https://doi.org/10.1186/s40537-019-0197-0
    """

    def smooth(image: Image, width: float) -> Image:
        return np.array(Picture.fromarray(image).filter(ImageFilter.GaussianBlur(width)))

    def function(lr: Image, hr: Image, generator: np.random.Generator) -> tuple[Image, Image]:
        if generator.random() >= p:
            return lr, hr
        width = float(generator.uniform(0, sigma))
        return smooth(lr, width * lr.shape[0] / hr.shape[0]), smooth(hr, width)

    return Resampled(function)
