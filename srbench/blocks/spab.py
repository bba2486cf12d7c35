"""SPAN's unit: three convolutions, and an attention without parameters from their result."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.blocks.activations import swish
from srbench.blocks.conv3xc import Conv3XC
from srbench.core.layers import Layers
from srbench.core.slots import Activation, Convolution, unit


class SPAB(nn.Module):
    """conv, act, conv, act, conv; the result + shortcut, times (sigmoid of the result - 1/2)."""

    def __init__(self, channels: int, rate: int, layers: Layers) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (
            layers.conv(channels, channels, 3, rate=rate) for _ in range(3)
        )
        self.act1, self.act2 = layers.act(), layers.act()

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        return self.with_first(x, shortcut)[0]

    def with_first(self, x: Tensor, shortcut: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The output, and the features after the first activation; each (N, C, H, W)."""
        first: Tensor = self.act1(self.conv1(x))
        y = self.conv3(self.act2(self.conv2(first)))
        gate = y.sigmoid() - 0.5  # odd in y: the sign of a feature counts
        return (y + (x if shortcut is None else shortcut)) * gate, first


@unit.register("spab")
def spab(
    channels: int,
    rate: int,
    layers: Layers,
    *,
    convolution: Convolution = Conv3XC,
    activation: Activation = swish,
) -> SPAB:
    """Swift parameter-free attention block: three convolutions that gate their sum.

    conv, act, conv, act, conv; the result + shortcut, times (sigmoid of the result - 1/2).
    Convolutions and activation are the unit's own, not the network's. The rate dilates all three.

    convolution  of the unit; `plain` is its form after training, trained as that
    activation   between its convolutions

    Wan et al., Swift parameter-free attention network for efficient super-resolution, 2024.
    https://arxiv.org/abs/2311.12770
    """
    return SPAB(channels, rate, Layers(convolution, activation))
