"""Random changes of an LR and HR patch together: the flips and turns a photograph allows.

Each changes both patches alike, so that LR still is what the degradation would make of HR. Changes
of another kind, such as blends and masks, are in `distortions.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from srbench.core.registry import Range
from srbench.core.slots import Image, augmentation

Augment = Callable[[Image, Image, np.random.Generator], tuple[Image, Image]]
Probability = Annotated[float, Range(0, 1)]

TURNS: dict[str, Callable[[Image], Image]] = {
    "hflip": lambda image: image[:, ::-1],
    "vflip": lambda image: image[::-1],
    "transpose": lambda image: image.swapaxes(0, 1),
}


@dataclass(frozen=True)
class Turn:
    """Both patches flipped or transposed, with probability p.

    What says of itself that it is a Turn can also be done where patches are cut on a device.
    """

    kind: Literal["hflip", "vflip", "transpose"]
    p: float

    def drawn(self, generator: np.random.Generator) -> bool:
        return bool(generator.random() < self.p)

    def __call__(self, lr: Image, hr: Image, generator: np.random.Generator) -> tuple[Image, Image]:
        change = TURNS[self.kind]
        return (change(lr), change(hr)) if self.drawn(generator) else (lr, hr)


@augmentation.register("none")
def none() -> Augment:
    """Patches as they were cut.

    Ours.
    """
    return lambda lr, hr, _: (lr, hr)


@augmentation.register("hflip")
def hflip(*, p: Probability = 0.5) -> Augment:
    """Left and right exchanged, with probability p.

    p  probability of the change, 0 to 1

    Timofte et al., Seven ways to improve example-based single image super resolution, 2016.
    https://arxiv.org/abs/1511.02228
    """
    return Turn("hflip", p)


@augmentation.register("vflip")
def vflip(*, p: Probability = 0.5) -> Augment:
    """Top and bottom exchanged, with probability p.

    p  probability of the change, 0 to 1

    Timofte et al., Seven ways to improve example-based single image super resolution, 2016.
    https://arxiv.org/abs/1511.02228
    """
    return Turn("vflip", p)


@augmentation.register("rot90")
def rot90(*, p: Probability = 0.5) -> Augment:
    """Rows and columns exchanged, with probability p; with both flips, every quarter turn.

    p  probability of the change, 0 to 1

    Lim et al., Enhanced deep residual networks for single image super-resolution, 2017.
    https://arxiv.org/abs/1707.02921
    """
    return Turn("transpose", p)
