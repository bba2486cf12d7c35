"""Degradations made of degradations: one of several at random, or several in a row."""

from __future__ import annotations

import numpy as np

from srbench.core.errors import StudyError
from srbench.core.slots import Degradation, Image, degradation
from srbench.data.degradations import Degrader, jpeg
from srbench.data.resizers import bicubic, bilinear, lanczos, matlab_bicubic


@degradation.register("random_of")
def random_of(
    scale: int, *, of: tuple[Degradation, ...] = (bilinear, bicubic, lanczos)
) -> Degrader:
    """One of several degradations for each patch, each as likely as the others.

    of  the degradations that are drawn from

    yu45020, Waifu2x, 2018. https://github.com/yu45020/Waifu2x
    """
    steps = _built("random_of", of, scale)

    def function(image: Image, generator: np.random.Generator) -> Image:
        return steps[generator.integers(len(steps))](image, generator)

    return Degrader(function, random=len(steps) > 1 or steps[0].random)


@degradation.register("pipeline")
def pipeline(scale: int, *, of: tuple[Degradation, ...] = (matlab_bicubic, jpeg)) -> Degrader:
    """Several degradations one after another; exactly one of them may resize.

    of  the degradations, in the order in which they are applied

    Ours.
    """
    steps = _built("pipeline", of, scale)

    def function(image: Image, generator: np.random.Generator) -> Image:
        for step in steps:
            image = step(image, generator)
        return image

    return Degrader(function, random=any(step.random for step in steps))


def _built(name: str, of: tuple[Degradation, ...], scale: int) -> list[Degrader]:
    if not of:
        raise StudyError(f"{name}: of is empty; name degradations, as in of: [bicubic, jpeg]")
    built = [part(scale) for part in of]
    # A plug-in may give a plain function: taken for random, which is slower and never wrong.
    return [one if isinstance(one, Degrader) else Degrader(one, random=True) for one in built]
