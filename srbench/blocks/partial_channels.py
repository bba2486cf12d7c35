"""FasterNet's partial convolution: of the channels, not of the padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from srbench.blocks.convolutions import plain
from srbench.core.registry import Positive
from srbench.core.slots import convolution


@convolution.register("partial_channels")
def partial_channels(
    inputs: int, outputs: int, kernel: int, rate: int, groups: int, *, divisor: Positive = 4
) -> nn.Module:
    """FasterNet's PConv: a convolution of the first quarter of the channels; the others pass.

    inputs / divisor channels are convolved, rounded up so that groups divide them. The others are
    mixed by nothing here: FasterNet has two 1x1 convolutions after each. Where the kernel is 1 or
    inputs and outputs differ, it is the plain convolution. It has nothing to do with `partial`,
    which corrects the padding.

    divisor  channels for each that is convolved

    Chen et al., Run, don't walk: chasing higher FLOPS for faster neural networks, 2023.
    https://arxiv.org/abs/2303.03667
    """
    if kernel == 1 or inputs != outputs:
        return plain(inputs, outputs, kernel, rate, groups)
    return PartialChannels(-(-inputs // (divisor * groups)) * groups, kernel, rate, groups)


class PartialChannels(nn.Module):
    """A convolution of the first `channels`, concatenated with the others."""

    def __init__(self, channels: int, kernel: int, rate: int, groups: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv = plain(channels, channels, kernel, rate, groups)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x[:, : self.channels])
        return torch.cat([y, x[:, self.channels :]], 1)  # (N, C, H, W)
