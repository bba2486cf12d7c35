"""What a study may say under `data:`: typed and defaulted like the settings of any part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from srbench.core.registry import Positive, Range, Slot
from srbench.core.slots import Augmentation, Dataset, Degradation
from srbench.data.augmentations import hflip, rot90
from srbench.data.datasets import photos
from srbench.data.resizers import matlab_bicubic

data_settings = Slot("data", "what a run is trained and judged on")


@data_settings.register("data")
@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Training patches and the sets that judge.

    train              images that patches are cut from
    patches            patches in an epoch
    patches_per_image  patches of each image in an epoch, in place of `patches`
    cut                fresh: anew for every epoch; fixed: once, then reshuffled; short:
                       `patches: {fixed: 120}`
    patch              side of the HR patch, in pixels
    degradation        how LR is made from HR
    lr                 own: the dataset's LR; made: by the degradation; auto: own where the set
                       has it
    augment            random changes of each patch
    validate           images on which curves are taken, and by which searches choose
    eval               sets on which the final weights are scored; verdicts rest on one of them

    Ours.
    """

    train: Dataset = photos
    patches: Positive = 120
    patches_per_image: Positive | None = None
    cut: Literal["fresh", "fixed"] = "fresh"
    patch: Annotated[int, Range(4, 4096)] = 128
    degradation: Degradation = matlab_bicubic
    lr: Literal["auto", "own", "made"] = "auto"
    augment: tuple[Augmentation, ...] = (hflip, rot90)
    validate: Dataset = photos
    eval: tuple[Dataset, ...] = (photos,)
