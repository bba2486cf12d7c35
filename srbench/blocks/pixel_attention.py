"""Pixel attention: one weight for every channel and pixel."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.core.slots import attention


@attention.register("pixel")
class PixelAttention(nn.Module):
    """Weigh every value by a 1x1 convolution of its pixel.

    Zhao et al., Efficient image super-resolution using pixel attention, 2020.
    https://arxiv.org/abs/2010.01073
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.weigh(x).sigmoid()
        return x * weights
