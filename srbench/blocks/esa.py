"""Enhanced spatial attention: positions weighed by a coarse look at their wide surroundings.

Modules have the names of the authors' code, so that their weights are found.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from srbench.blocks.convolutions import plain
from srbench.blocks.pooling import max_pool
from srbench.core.registry import Positive
from srbench.core.resized import stretched
from srbench.core.slots import attention

WINDOW, STEP = 7, 3  # of the pooling


@attention.register("esa")
class SpatialAttention(nn.Module):
    """ESA as in RFDN: weigh values by three convolutions of a reduced, pooled image.

    1x1 to channels // reduction; 3x3 with stride 2; maxima of 7x7 windows, 3 apart; three 3x3 with
    two ReLUs; enlarged by bilinear interpolation; plus a 1x1 of the reduced image; 1x1 back to all
    channels; sigmoid. Images of less than 15 pixels a side, which the paper's cannot take, are
    pooled by windows as large as there are, after zeros make a side of less than 3 pixels one of 3.

    reduction  channels for each that is pooled

    Liu et al., Residual feature aggregation network for image super-resolution, 2020.
    https://doi.org/10.1109/CVPR42600.2020.00243; in Liu et al., Residual feature distillation
    network for lightweight image super-resolution, 2020. https://arxiv.org/abs/2009.11551
    """

    def __init__(self, channels: int, *, reduction: Positive = 4) -> None:
        super().__init__()
        narrow = max(channels // reduction, 1)
        self.conv1 = nn.Conv2d(channels, narrow, 1)
        self.conv_f = nn.Conv2d(narrow, narrow, 1)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride=2)
        self.conv_max, self.conv3, self.conv3_ = (plain(narrow, narrow, 3, 1, 1) for _ in range(3))
        self.conv4 = nn.Conv2d(narrow, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.conv1(x)  # (N, c, H, W)
        coarse = self.conv_max(_pooled(reduced, self.conv2)).relu()
        coarse = self.conv3_(self.conv3(coarse).relu())
        weights: Tensor = self.conv4(stretched(coarse, *x.shape[-2:]) + self.conv_f(reduced))
        return x * weights.sigmoid()


@attention.register("esa_light")
class LightSpatialAttention(nn.Module):
    """ESA as in RLFN: one convolution after the pooling instead of three, no ReLU, fixed width.

    Small images are pooled as by `esa`.

    width  channels that are pooled

    Kong et al., Residual local feature network for efficient super-resolution, 2022.
    https://arxiv.org/abs/2205.07514
    """

    def __init__(self, channels: int, *, width: Positive = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1)
        self.conv_f = nn.Conv2d(width, width, 1)
        self.conv2 = nn.Conv2d(width, width, 3, stride=2)
        self.conv3 = plain(width, width, 3, 1, 1)
        self.conv4 = nn.Conv2d(width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.conv1(x)  # (N, width, H, W)
        coarse = self.conv3(_pooled(reduced, self.conv2))
        weights: Tensor = self.conv4(stretched(coarse, *x.shape[-2:]) + self.conv_f(reduced))
        return x * weights.sigmoid()


def _pooled(x: Tensor, strided: nn.Module) -> Tensor:
    """Maxima of a strided 3x3 convolution, about a sixth as high and wide as x."""
    y = strided(_at_least(x, 3, 0))  # (N, c, (H - 1) // 2, (W - 1) // 2)
    return max_pool(_at_least(y, WINDOW, -torch.inf), (WINDOW, WINDOW), STEP)


def _at_least(x: Tensor, side: int, value: float) -> Tensor:
    """Pad right and bottom, so that height and width are `side` or more.

    An exported network takes every size, so that it pads always, by nothing if need be.
    """
    if not torch.compiler.is_exporting() and min(x.shape[-2:]) >= side:
        return x
    below, right = (torch.sym_max(side - given, 0) for given in x.shape[-2:])
    return pad(x, cast(list[int], [0, right, 0, below]), value=value)
