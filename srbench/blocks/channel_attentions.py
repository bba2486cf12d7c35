"""Channel attentions of super-resolution: channels weighed by statistics of their values."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from srbench.core.registry import Positive
from srbench.core.slots import attention

SMALLEST = 1e-12  # added to a variance: the root of zero has no gradient


@attention.register("rcan_channel")
class ChannelAttention(nn.Module):
    """RCAN's channel attention: weigh channels by two 1x1 convolutions on their means.

    It computes what `se` does, which has four hidden nodes at the least; here it is one.

    reduction  channels for each hidden node

    Zhang et al., Image super-resolution using very deep residual channel attention networks, 2018.
    https://arxiv.org/abs/1807.02758
    """

    def __init__(self, channels: int, *, reduction: Positive = 16) -> None:
        super().__init__()
        self.weigh = _weigh(channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.weigh(x.mean((2, 3), keepdim=True))  # (N, C, 1, 1)
        return x * weights


@attention.register("contrast_aware")
class ContrastAwareAttention(nn.Module):
    """IMDN's CCA: weigh channels by the sum of their standard deviation and their mean.

    As `rcan_channel`, which sees the mean alone. 1e-12 is added to the variance, since the paper's
    root has no gradient where a channel is constant.

    reduction  channels for each hidden node

    Hui et al., Lightweight image super-resolution with information multi-distillation network,
    2019. https://arxiv.org/abs/1909.11856
    """

    def __init__(self, channels: int, *, reduction: Positive = 16) -> None:
        super().__init__()
        self.weigh = _weigh(channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((2, 3), keepdim=True)
        contrast = ((x - mean).square().mean((2, 3), keepdim=True) + SMALLEST).sqrt()
        weights: Tensor = self.weigh(contrast + mean)  # (N, C, 1, 1)
        return x * weights


@attention.register("simplified_channel")
class SimplifiedChannelAttention(nn.Module):
    """NAFNet's SCA: multiply channels by a 1x1 convolution of their means, without activations.

    Factors are not bounded, and may be negative.

    Chen et al., Simple baselines for image restoration, 2022. https://arxiv.org/abs/2204.04676
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.weigh(x.mean((2, 3), keepdim=True))  # (N, C, 1, 1)
        return x * weights


def _weigh(channels: int, reduction: int) -> nn.Sequential:
    hidden = max(channels // reduction, 1)
    return nn.Sequential(
        OrderedDict(
            squeeze=nn.Conv2d(channels, hidden, 1),
            act=nn.ReLU(inplace=True),
            excite=nn.Conv2d(hidden, channels, 1),
            gate=nn.Sigmoid(),
        )
    )
