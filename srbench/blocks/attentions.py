"""Attentions: (channels) -> module, (N, C, H, W) to the same shape."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import Tensor, nn

from srbench.core.registry import Positive
from srbench.core.slots import attention


@attention.register("none")
class NoAttention(nn.Identity):
    """Identity: the baseline of ablations of attention. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__()


@attention.register("se")
class SqueezeExcite(nn.Module):
    """Weigh channels by a small network on their means.

    reduction    channels for each hidden node
    least_nodes  hidden nodes at the least

    Hu et al., Squeeze-and-excitation networks, 2018. https://arxiv.org/abs/1709.01507
    """

    def __init__(
        self, channels: int, *, reduction: Positive = 16, least_nodes: Positive = 4
    ) -> None:
        super().__init__()
        self.weigh = _channel_weights(channels, max(channels // reduction, least_nodes))

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.weigh(x.mean((2, 3)))  # (N, C)
        return x * weights[:, :, None, None]


@attention.register("scse")
class ConcurrentSqueezeExcite(nn.Module):
    """Weigh channels and positions side by side and add the two.

    The channel branch has max(C // reduction, least_nodes) hidden nodes; the spatial branch is a
    1x1 convolution without bias.

    reduction    channels for each hidden node of the channel branch
    least_nodes  its hidden nodes at the least
    branches     channel, spatial, or both

    Roy et al., Concurrent spatial and channel squeeze & excitation, 2018.
    https://arxiv.org/abs/1803.02579
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: Positive = 16,
        least_nodes: Positive = 4,
        branches: Literal["both", "channel", "spatial"] = "both",
    ) -> None:
        super().__init__()
        hidden = max(channels // reduction, least_nodes)
        self.channel = _channel_weights(channels, hidden) if branches != "spatial" else None
        self.spatial = nn.Conv2d(channels, 1, 1, bias=False) if branches != "channel" else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor | None = None
        if self.channel is not None:
            y = x * self.channel(x.mean((2, 3)))[:, :, None, None]
        if self.spatial is not None:
            by_position = x * self.spatial(x).sigmoid()  # (N, 1, H, W) weights
            y = by_position if y is None else y + by_position
        assert y is not None
        return y


@attention.register("eca")
class EfficientChannelAttention(nn.Module):
    """Weigh channels by a 1-d convolution over their means.

    kernel  neighbouring channels that a weight depends on

    Wang et al., ECA-Net, 2020. https://arxiv.org/abs/1910.03151
    """

    def __init__(self, channels: int, *, kernel: Positive = 3) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"eca.kernel {kernel} is even; an odd one keeps the channels")
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3))[:, None]  # (N, 1, C)
        weights: Tensor = self.conv(means).sigmoid()
        return x * weights.transpose(1, 2)[..., None]


def _channel_weights(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            squeeze=nn.Linear(channels, hidden),
            act=nn.ReLU(inplace=True),
            excite=nn.Linear(hidden, channels),
            gate=nn.Sigmoid(),
        )
    )
