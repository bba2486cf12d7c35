"""ESPCN: three convolutions on the LR image, the last one shuffled to HR; of RGB or of Y."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.blocks.activations import tanh
from srbench.blocks.convolutions import plain
from srbench.blocks.luminance import OnLuma
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, model


class ESPCN(nn.Module):
    """(N, colours, H, W) to (N, colours, scale*H, scale*W)."""

    def __init__(self, colours: int, scale: int, channels: int, inner: int, layers: Layers) -> None:
        super().__init__()
        self.extract, self.extract_act = layers.conv(colours, channels, 5), layers.act()
        self.map, self.map_act = layers.conv(channels, inner, 3), layers.act()
        self.rebuild = layers.conv(inner, colours * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x: Tensor) -> Tensor:
        y = self.map_act(self.map(self.extract_act(self.extract(x))))
        image: Tensor = self.shuffle(self.rebuild(y))  # (N, c s², H, W) -> (N, c, s*H, s*W)
        return image


@model.register("espcn")
def espcn(
    scale: int,
    *,
    channels: Positive = 64,
    inner: Positive = 32,
    convolution: Convolution = plain,
    activation: Activation = tanh,
) -> nn.Module:
    """ESPCN in RGB: 5x5, 3x3 and 3x3 convolutions and one pixel shuffle.

    channels  channels after the first convolution
    inner     channels after the second convolution

    Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network, 2016. https://arxiv.org/abs/1609.05158; the authors train on Y:
    `espcn_y`.
    """
    return ESPCN(3, scale, channels, inner, Layers(convolution, activation))


@model.register("espcn_y")
def espcn_y(
    scale: int,
    *,
    channels: Positive = 64,
    inner: Positive = 32,
    convolution: Convolution = plain,
    activation: Activation = tanh,
) -> nn.Module:
    """ESPCN on Y of the LR image, as its authors have it; chroma is interpolated bicubically.

    The authors train with the loss `{luma: {of: mse}}`. A loss of RGB also compares the
    interpolated chroma.

    channels  channels after the first convolution
    inner     channels after the second convolution

    Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network, 2016. https://arxiv.org/abs/1609.05158
    """
    return OnLuma(ESPCN(1, scale, channels, inner, Layers(convolution, activation)), scale)
