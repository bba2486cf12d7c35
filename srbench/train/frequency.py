"""A loss in the frequency domain."""

from __future__ import annotations

import torch
from torch import Tensor

from srbench.core.slots import loss
from srbench.train.losses import Distance


@loss.register("frequency")
def frequency() -> Distance:
    """Mean absolute difference of the Fourier coefficients, real and imaginary parts alike.

    The transform of each channel is orthonormal, so values are as large as those of `l1`, which
    it is added to: `sum: {of: [l1, frequency], weights: [1, 0.05]}`. The authors' transform is
    not normalised, and their weight belongs to patches of one size.

    Cho et al., Rethinking coarse-to-fine approach in single image deblurring, 2021.
    https://arxiv.org/abs/2108.05054
    """

    def distance(sr: Tensor, hr: Tensor) -> Tensor:
        apart = torch.fft.fft2(sr.float() - hr.float(), norm="ortho")  # the transform is linear
        return torch.view_as_real(apart).abs().mean()

    return distance
