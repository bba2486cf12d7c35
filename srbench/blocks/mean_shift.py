"""A mean colour subtracted from an image, or added: fixed weights, not trained.

It is no slot: networks have a setting for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

DIV2K = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K's training images, RGB in 0..1, as CARN and EDSR use it."""


class MeanShift(nn.Conv2d):
    """x - mean or x + mean, as a frozen 1x1 convolution, as its authors count it.

    Lim et al., Enhanced deep residual networks for single image super-resolution, 2017.
    https://arxiv.org/abs/1707.02921
    """

    def __init__(self, mean: Sequence[float], sign: Literal["subtract", "add"]) -> None:
        if len(mean) != 3:
            raise ValueError(f"a mean colour has 3 numbers, found {list(mean)}")
        self.shift = tuple(-m if sign == "subtract" else m for m in mean)
        super().__init__(3, 3, 1)
        self.requires_grad_(False)

    def reset_parameters(self) -> None:
        with torch.no_grad():
            self.weight.copy_(torch.eye(3)[:, :, None, None])  # (3, 3, 1, 1)
            assert self.bias is not None
            self.bias.copy_(torch.tensor(self.shift))
