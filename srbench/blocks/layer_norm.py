"""Layer normalisation of images: over the channels of each pixel."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.core.slots import normalisation


@normalisation.register("layer")
class ChannelLayerNorm(nn.Module):
    """Mean and variance of the channels of each pixel; then a factor and a shift by channel.

    ConvNeXt, NAFNet and SAFMN normalise in this way (epsilon 1e-6); ShuffleMixer has no shift.

    epsilon  added to the variance
    learnt   factor and shift, or the factor alone

    Ba et al., Layer normalization, 2016. https://arxiv.org/abs/1607.06450
    """

    def __init__(
        self,
        channels: int,
        *,
        epsilon: float = 1e-6,
        learnt: Literal["both", "factor"] = "both",
    ) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels)) if learnt == "both" else None

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.layer_norm(
            x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.epsilon
        )  # (N, H, W, C)
        return y.permute(0, 3, 1, 2)
