"""What a registered metric must do.

A law takes slot and name of a part, and raises AssertionError with what is wrong.
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import numpy as np

from srbench.core.errors import UserError
from srbench.core.pretrained import with_random_weights
from srbench.core.registry import Laws, Slot
from srbench.measure.named import stated
from srbench.measure.sets import Answers, SetScore

SIDE = 176  # pixels, enough for every scale of multi-scale SSIM


def scores(slot: Slot, name: str) -> None:
    """A metric is a number (or inf), and best where SR is HR; of a whole set, one number an image.

    One that cannot be had with its defaults says plainly what it needs.
    """
    try:
        score = slot.parse(with_random_weights(slot, name)).build()()
    except UserError as error:
        assert name in str(error), f"fails without its name: {error}"
        return
    if isinstance(score, SetScore):
        _scores_a_set(score)
        return
    hr = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    coarse = hr[::2, ::2].repeat(2, 0).repeat(2, 1)  # half the detail, and then its negative
    equal, different = score(hr.copy(), hr), score(255 - coarse, hr)
    for value in (equal, different):
        assert isinstance(value, float) and not math.isnan(value), f"gives {value!r}"
    sign = -1 if stated(slot.parse(name)).better == "lower" else 1
    assert sign * equal > sign * different, f"prefers {different} to {equal}"


def direction(slot: Slot, name: str) -> None:
    """A metric declares which direction is better, or it could not help or hurt."""
    declared = stated(slot.parse(with_random_weights(slot, name))).better
    assert declared, 'declares none: register it with facts=MetricFacts(better="higher") or "lower"'


def _scores_a_set(score: SetScore) -> None:
    """One number an image, the same when asked again; a network's answers are left alone."""
    generator = np.random.default_rng(0)
    hr = tuple(generator.integers(0, 256, (48, 40, 3), dtype=np.uint8) for _ in range(3))
    lr = tuple(image[::2, ::2].copy() for image in hr)

    def again(image: Any) -> Any:
        return image.repeat(2, 0).repeat(2, 1)

    answers = Answers(("one", "two", "three"), lr, hr, tuple(map(again, lr)), again)
    kept = deepcopy((answers.hr, answers.lr, answers.sr))
    values = list(score(answers))
    assert len(values) == 3, f"gives {len(values)} numbers for 3 images"
    for value in values:
        assert isinstance(value, float) and not math.isnan(value), f"gives {value!r}"
    assert values == list(score(answers)), "gives other numbers when asked again"
    same = all(map(np.array_equal, sum(kept, ()), answers.hr + answers.lr + answers.sr))
    assert same, "changes its input"


LAWS: Laws = {"metric": (scores, direction)}
