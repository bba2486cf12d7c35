"""Sets whose LR is made by a chosen degradation, to test networks on what they were not trained on.

Beside variants that change `data.degradation` they give the matrix of training against test
degradations. The LR pixels are part of the set's manifest: another degradation is another set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from srbench.core.slots import Dataset, Degradation, dataset
from srbench.data.datasets import photos
from srbench.data.folders import ImageFile
from srbench.data.resizers import matlab_bicubic


@dataset.register("degraded")
def degraded(
    split: str, scale: int, *, of: Dataset = photos, by: Degradation = matlab_bicubic
) -> Sequence[ImageFile]:
    """The images of a dataset, their LR made by a degradation whatever LR the dataset has.

    For `eval`, as in `eval: [photos, {degraded: {of: photos, by: jpeg}}]`. What a degradation
    draws depends on the image's name alone, so all runs are tested on the same pixels.

    Ours.
    """
    degrade = by(scale)
    return [replace(file, lr=None, degrade=degrade) for file in of(split, scale)]
