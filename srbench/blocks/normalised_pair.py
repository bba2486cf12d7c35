"""Two normalised convolutions and a skip: the residual block of networks after ResNet."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from srbench.core.layers import Layers
from srbench.core.slots import Normalisation


class NormalisedPair(nn.Module):
    """conv, norm, act, conv, norm, + x; with `act_last` an act before the sum.

    He et al., Deep residual learning for image recognition, 2016.
    https://arxiv.org/abs/1512.03385; without the act after the sum, as in SRResNet.
    """

    def __init__(
        self,
        channels: int,
        layers: Layers,
        normalisation: Normalisation,
        *,
        act_last: bool = False,
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            OrderedDict(
                conv1=layers.conv(channels, channels, 3),
                norm1=normalisation(channels),
                act1=layers.act(),
                conv2=layers.conv(channels, channels, 3),
                norm2=normalisation(channels),
            )
        )
        if act_last:
            self.body.add_module("act2", layers.act())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.body(x)  # (N, C, H, W)
        return y
