"""What noise on LR does: how far the outputs for one image spread, and what that costs.

The noise is seeded by image and draw, so every network gets the same, and both metrics see the same
outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from srbench.core.errors import StudyError
from srbench.core.part_facts import MetricFacts
from srbench.core.registry import Choice, Range
from srbench.core.slots import Image, Metric, metric
from srbench.measure.metrics import psnr_y
from srbench.measure.named import stated
from srbench.measure.sets import Answers, SetScore, noisy

Noise = Annotated[float, Range(0, 255)]
Draws = Annotated[int, Range(2, 1000)]


@metric.register("diversity", facts=MetricFacts(better="higher"))
def diversity(*, noise: Noise = 10.0, draws: Draws = 4) -> SetScore:
    """How far the outputs for one LR image spread under seeded noise: 0..255, 0 without noise.

    The standard deviation over draws at each pixel and colour, averaged: as the square root of the
    mean variance. Gard and Majumder's diversity of 12 is a grader's, on a scale of its own.

    noise  standard deviation of the noise on LR, of 255; LR stays an image of whole numbers
    draws  outputs for each image, each with other noise; more give a steadier number

    After Gard and Majumder, Super-resolution with deep learning through perceptual loss
    optimization. Ours in its formula.
    """

    def value(answers: Answers) -> list[float]:
        return [
            float(np.sqrt(np.mean(np.var(np.stack(list(outputs)), axis=0, ddof=1, dtype=float))))
            for outputs in _outputs(answers, noise, draws)
        ]

    return SetScore(value)


def _facts(chosen: Choice) -> MetricFacts:
    """The unit and the direction of the metric that is taken."""
    of = stated(chosen["of"])
    return MetricFacts(of.unit, of.better)


@metric.register("noisy", facts=_facts)
def under_noise(*, of: Metric = psnr_y, noise: Noise = 10.0, draws: Draws = 4) -> SetScore:
    """Another metric where LR has seeded noise, the mean over draws: what diversity costs.

    of     a metric of an SR image against its HR image
    noise  standard deviation of the noise on LR, of 255
    draws  outputs for each image, each with other noise; more give a steadier number

    After Gard and Majumder, Super-resolution with deep learning through perceptual loss
    optimization. Ours in its formula.
    """
    score = of()
    if isinstance(score, SetScore):
        raise StudyError("noisy is of a metric of two images, not of one of a whole set")

    def value(answers: Answers) -> list[float]:
        return [
            float(np.mean([score(sr, hr) for sr in outputs]))
            for outputs, hr in zip(_outputs(answers, noise, draws), answers.hr, strict=True)
        ]

    return SetScore(value)


def _outputs(answers: Answers, noise: float, draws: int) -> Iterator[Iterator[Image]]:
    """The outputs for each image, one a draw."""
    for n, lr in enumerate(answers.lr):
        yield (answers.again(noisy(lr, noise, n, draw)) for draw in range(draws))
