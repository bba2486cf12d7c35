"""Shift convolution: moved channels instead of spatial weights."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from srbench.blocks.convolutions import plain
from srbench.core.slots import convolution

STEPS = ((0, -1), (0, 1), (-1, 0), (1, 0))  # rows down, columns right: left, right, up, down


@convolution.register("shift")
def shift(inputs: int, outputs: int, kernel: int, rate: int, groups: int) -> nn.Module:
    """A fifth of the channels each moved left, right, up and down, then a 1x1 convolution.

    The rest of the channels stays. Channels move by rate * (kernel // 2) pixels, one for a 3x3
    kernel, and zeros move in. Moving has no parameters and no multiplications. Groups are those of
    the 1x1 convolution. Where the kernel is 1 or there are fewer than five inputs, it is the plain
    convolution.

    Zhang et al., Efficient long-range attention network for image super-resolution, 2022.
    https://arxiv.org/abs/2203.06697; after Wu et al., Shift: a zero FLOP, zero parameter
    alternative to spatial convolutions, 2018, which has as many directions as the kernel has
    positions. https://arxiv.org/abs/1711.08141
    """
    if kernel == 1 or inputs < len(STEPS) + 1:
        return plain(inputs, outputs, kernel, rate, groups)
    return nn.Sequential(
        OrderedDict(move=Move(rate * (kernel // 2)), conv=plain(inputs, outputs, 1, 1, groups))
    )


class Move(nn.Module):
    """Four fifths of the channels moved by some pixels, a fifth into each direction."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.pixels = pixels

    def forward(self, x: Tensor) -> Tensor:
        d, (height, width) = self.pixels, x.shape[-2:]
        each = x.shape[1] // (len(STEPS) + 1)
        padded = pad(x, (d, d, d, d))  # (N, C, H + 2d, W + 2d)
        moved = [
            padded[:, i * each : (i + 1) * each, d - d * down :, d - d * right :]
            for i, (down, right) in enumerate(STEPS)
        ]
        rest = x[:, len(STEPS) * each :]
        return torch.cat([*(part[..., :height, :width] for part in moved), rest], 1)  # (N, C, H, W)
