"""Edge-oriented convolution: trained with branches that see edges, one 3x3 afterwards."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.blocks.convolutions import plain
from srbench.core.fused import equal_convolution
from srbench.core.registry import Positive
from srbench.core.slots import convolution

SOBEL_X = ((1, 0, -1), (2, 0, -2), (1, 0, -1))
SOBEL_Y = ((1, 2, 1), (0, 0, 0), (-1, -2, -1))
LAPLACIAN = ((0, 1, 0), (1, -4, 1), (0, 1, 0))
SPREAD = 3**0.5 * 1e-3


@convolution.register("edge_oriented")
def edge_oriented(
    inputs: int, outputs: int, kernel: int, rate: int, groups: int, *, expansion: Positive = 2
) -> nn.Module:
    """ECB: a 3x3 convolution and four branches beside it in training, one 3x3 afterwards.

    The branches are 1x1 convolutions, each followed by a 3x3 convolution, by Sobel's kernel for x
    or for y, or by the Laplacian; those three are scaled for each channel. Parameters and MACs are
    reported of the fused convolution. Where the kernel is not 3, it is the plain convolution. The
    optional identity branch of the authors' code is left out, and initial scales are uniform
    instead of normal, with the same standard deviation of 0.001.

    expansion  channels between the 1x1 and the 3x3 of the second branch, for each output

    Zhang et al., Edge-oriented convolution block for real-time super resolution on mobile devices,
    2021. https://doi.org/10.1145/3474085.3475291
    """
    if kernel != 3:
        return plain(inputs, outputs, kernel, rate, groups)
    return EdgeOriented(inputs, outputs, rate, groups, expansion * outputs)


class EdgeOriented(nn.Module):
    """The sum of five branches, each of the image padded by zeros."""

    def __init__(self, inputs: int, outputs: int, rate: int, groups: int, wide: int) -> None:
        super().__init__()
        self.inputs, self.rate, self.groups = inputs, rate, groups
        self.conv = nn.Conv2d(inputs, outputs, 3, dilation=rate, groups=groups)
        self.expand = nn.Conv2d(inputs, wide, 1, groups=groups)
        self.squeeze = nn.Conv2d(wide, outputs, 3, dilation=rate, groups=groups)
        self.mix_x, self.sobel_x = _edges(SOBEL_X, inputs, outputs, rate, groups)
        self.mix_y, self.sobel_y = _edges(SOBEL_Y, inputs, outputs, rate, groups)
        self.mix, self.laplacian = _edges(LAPLACIAN, inputs, outputs, rate, groups)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pad(x, 4 * (self.rate,))  # before the 1x1: their bias is at the border too
        y: Tensor = self.conv(x) + self.squeeze(self.expand(x))
        edges: Tensor = self.sobel_x(self.mix_x(x)) + self.sobel_y(self.mix_y(x))
        both: Tensor = edges + self.laplacian(self.mix(x))
        return y + both  # (N, outputs, H, W)

    def fused(self) -> nn.Module:
        return equal_convolution(self, self.inputs, 3, rate=self.rate, groups=self.groups)


class Stencil(nn.Conv2d):
    """A fixed 3x3 kernel on each channel, scaled and shifted by two learnt numbers a channel."""

    stencil: Tensor

    def __init__(self, stencil: tuple[tuple[int, ...], ...], channels: int, rate: int) -> None:
        super().__init__(channels, channels, 1, dilation=rate, groups=channels)
        self.register_buffer("stencil", torch.tensor(stencil).float(), persistent=False)

    def reset_parameters(self) -> None:
        for p in self.parameters():
            nn.init.uniform_(p, -SPREAD, SPREAD)

    def forward(self, x: Tensor) -> Tensor:
        kernels = self.weight * self.stencil  # (C, 1, 3, 3)
        return functional.conv2d(x, kernels, self.bias, dilation=self.dilation, groups=self.groups)


def _edges(
    stencil: tuple[tuple[int, ...], ...], inputs: int, outputs: int, rate: int, groups: int
) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 1, groups=groups), Stencil(stencil, outputs, rate)
