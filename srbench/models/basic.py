"""The plain network of the lab exercise `Basic against Residual`: convolutions in a row."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from srbench.blocks.activations import relu
from srbench.blocks.convolutions import plain
from srbench.blocks.skips import none
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, Skip, model


@model.register("basic")
class Basic(nn.Module):
    """Ten convolution blocks and a pixel shuffle; `skip: bilinear` adds the upscaled input.

    The source leaves width, kernel, scale and tail open. Ours: 64 channels, 3x3, ReLU, and a
    last convolution to 3 * scale² channels that are shuffled.

    channels  channels between the first convolution and the last
    blocks    convolutions before the last one, each followed by the activation

    Junkins, Math foundations: exercise 6, 2024; the tail from Shi et al., Real-time single image
    and video super-resolution, 2016. https://arxiv.org/abs/1609.05158
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 64,
        blocks: Positive = 10,
        convolution: Convolution = plain,
        activation: Activation = relu,
        skip: Skip = none,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        for i in range(1, blocks + 1):
            stages[f"conv_{i}"] = layers.conv(3 if i == 1 else channels, channels, 3)
            stages[f"act_{i}"] = layers.act()
        self.body = nn.Sequential(stages)
        self.tail = layers.conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)
        self.skip = skip(scale)

    def forward(self, x: Tensor) -> Tensor:
        y = self.shuffle(self.tail(self.body(x)))  # (N, 3, scale*H, scale*W)
        image: Tensor = self.skip(y, x)
        return image
