"""Multi-scale SSIM, computed by piq."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from srbench.core.part_facts import MetricFacts
from srbench.core.slots import metric
from srbench.measure.metrics import Score, luma, refuse_smaller

LEAST = 161  # pixels a side: the coarsest of five scales has to hold the window of 11


@metric.register("ms_ssim_y", facts=MetricFacts("", "higher", "MS-SSIM-Y"))
def ms_ssim_y() -> Score:
    """SSIM of Y at five scales, each half as large as the one before.

    Images need 161 pixels a side or more, the border not counted.

    Wang et al., Multi-scale structural similarity for image quality assessment, 2003.
    https://doi.org/10.1109/ACSSC.2003.1292216
    """
    return Score(lambda sr, hr: _ms_ssim(luma(sr), luma(hr)), on_device=True)


def _ms_ssim(sr: Any, hr: Any) -> float:
    refuse_smaller(hr, LEAST, "ms_ssim_y")
    import piq  # late: it takes seconds

    pair = (y if isinstance(y, Tensor) else torch.from_numpy(y) for y in (sr, hr))
    return float(piq.multi_scale_ssim(*(y[None, None] for y in pair), data_range=255.0))
