"""ESPCN: three convolutions on the LR image, the last one shuffled to HR."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.blocks.activations import tanh
from srbench.blocks.convolutions import plain
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, model


@model.register("espcn")
class ESPCN(nn.Module):
    """5x5, 3x3 and 3x3 convolutions, 64 and 32 channels, and one pixel shuffle, in RGB.

    channels  channels after the first convolution
    inner     channels after the second convolution

    Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network, 2016. https://arxiv.org/abs/1609.05158; the authors train on Y.
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 64,
        inner: Positive = 32,
        convolution: Convolution = plain,
        activation: Activation = tanh,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        self.extract, self.extract_act = layers.conv(3, channels, 5), layers.act()
        self.map, self.map_act = layers.conv(channels, inner, 3), layers.act()
        self.rebuild = layers.conv(inner, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x: Tensor) -> Tensor:
        y = self.map_act(self.map(self.extract_act(self.extract(x))))
        image: Tensor = self.shuffle(self.rebuild(y))  # (N, 3 s², H, W) -> (N, 3, s*H, s*W)
        return image
