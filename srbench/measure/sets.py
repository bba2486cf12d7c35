"""Scores of a whole set, and of the network itself: what a single pair of images cannot show.

A metric is a function of SR and HR, or, as a `SetScore`, of all `Answers` of a network to a set. It
gives one number an image; a number of the whole set is stored for every image, so that its mean
over the images is the number, and store and report treat both alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from srbench.core.errors import UserError
from srbench.core.pretrained import WeightsMissing
from srbench.core.slots import Image


class NotScored(UserError):
    """A score cannot be taken on this machine, or of these images; the message says why.

    The run is none the worse, and the next command asks for the score again.
    """


@dataclass(frozen=True)
class Answers:
    """What a network makes of a set. HR and SR are cut and shrunk as the protocol scores pairs."""

    names: tuple[str, ...]
    lr: tuple[Image, ...]
    hr: tuple[Image, ...]
    sr: tuple[Image, ...]
    again: Callable[[Image], Image]  # SR, cut likewise, of any LR


@dataclass(frozen=True)
class SetScore:
    """A metric of a whole set, ready to use: answers to one number an image.

    `needs` loads what the metric takes along for images of these names, so that a plan can tell
    what is missing; a metric that has it is taken of images of any size.
    """

    function: Callable[[Answers], Sequence[float]]
    needs: Callable[[Sequence[str]], object] | None = None

    def __call__(self, answers: Answers) -> Sequence[float]:
        return self.function(answers)


def of_set(value: float, answers: Answers) -> list[float]:
    """A number of the whole set, at each of its images."""
    return [value] * len(answers.names)


def score_set(
    answers: Answers, metrics: Mapping[str, SetScore], listen: Callable[[], Any] = lambda: None
) -> tuple[dict[str, Sequence[float]], list[str]]:
    """Every set metric of one network on one set, and the reasons for those that are missing.

    `listen` is called before each, for some take long.
    """
    found: dict[str, Sequence[float]] = {}
    why: list[str] = []
    for name, score in metrics.items():
        listen()
        try:
            found[name] = score(answers)
        except (NotScored, WeightsMissing) as problem:
            why.append(f"{name} is not scored: {problem}")
    return found, why


def noisy(lr: Image, noise: float, image: int, draw: int) -> Image:
    """LR with Gaussian noise of this standard deviation (of 255), always the same for one draw."""
    if not noise:
        return lr
    generator = np.random.default_rng((image, draw))
    values: Image = np.clip(
        np.floor(lr + noise * generator.standard_normal(lr.shape) + 0.5), 0, 255
    ).astype(np.uint8)
    return values
