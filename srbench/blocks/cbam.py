"""CBAM: channels are weighed first, then positions, each by means and by maxima."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from srbench.core.registry import Positive
from srbench.core.slots import attention


@attention.register("cbam")
class BlockAttention(nn.Module):
    """Weigh channels by a small network on their means and maxima, then positions by a convolution.

    The network is one for both; its two outputs are added before the sigmoid. The convolution sees
    the mean and the maximum over the channels at each position; it has no bias, and, unlike in the
    authors' code, no batch norm after it.

    reduction    channels for each hidden node
    least_nodes  hidden nodes at the least
    kernel       side of the convolution over positions

    Woo et al., CBAM: convolutional block attention module, 2018. https://arxiv.org/abs/1807.06521
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: Positive = 16,
        least_nodes: Positive = 4,
        kernel: Positive = 7,
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"cbam.kernel {kernel} is even; an odd one keeps height and width")
        hidden = max(channels // reduction, least_nodes)
        self.channel = nn.Sequential(
            OrderedDict(
                squeeze=nn.Linear(channels, hidden),
                act=nn.ReLU(inplace=True),
                excite=nn.Linear(hidden, channels),
            )
        )
        self.spatial = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        both = self.channel(x.mean((2, 3))) + self.channel(x.amax((2, 3)))  # (N, C)
        x = x * both.sigmoid()[:, :, None, None]
        seen = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)  # (N, 2, H, W)
        weights: Tensor = self.spatial(seen).sigmoid()  # (N, 1, H, W)
        return x * weights
