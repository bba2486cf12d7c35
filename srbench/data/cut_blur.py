"""CutBlur: a part of LR that the degradation has spared."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from srbench.core.registry import Range
from srbench.core.slots import Image, augmentation
from srbench.data.augmentations import Augment, Probability


@augmentation.register("cut_blur")
def cut_blur(*, alpha: Annotated[float, Range(0, 1)] = 0.7, p: Probability = 0.5) -> Augment:
    """A rectangle of LR gets HR's own pixels, with probability p, or everything but the rectangle.

    So a network learns where to sharpen, and not only how. The paper works at HR's size, before
    networks that begin with a pixel unshuffle; here LR stays at its size, and the pixels that it
    gets are every `scale`-th of HR, without the degradation's low-pass filter.

    alpha  largest side of the rectangle, as a share of the patch's side
    p      probability of the change, 0 to 1

    Yoo et al., Rethinking data augmentation for image super-resolution, 2020.
    https://arxiv.org/abs/2004.00448
    """

    def change(lr: Image, hr: Image, generator: np.random.Generator) -> tuple[Image, Image]:
        if generator.random() >= p:
            return lr, hr
        height, width = lr.shape[:2]
        scale = hr.shape[0] // height
        sharp = hr[scale // 2 :: scale, scale // 2 :: scale]
        high, wide = (max(1, round(generator.uniform(0, alpha) * side)) for side in (height, width))
        top, left = generator.integers(height - high + 1), generator.integers(width - wide + 1)
        inside = np.zeros((height, width, 1), dtype=bool)
        inside[top : top + high, left : left + wide] = True
        if generator.random() < 0.5:
            inside = ~inside
        return np.where(inside, sharp, lr), hr

    return change
