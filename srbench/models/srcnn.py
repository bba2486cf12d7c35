"""SRCNN: three convolutions on the image, upscaled by bicubic interpolation; of RGB or of Y."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from srbench.blocks.activations import relu
from srbench.blocks.convolutions import plain
from srbench.blocks.luminance import OnLuma
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.resized import upscaled
from srbench.core.slots import Activation, Convolution, model


class SRCNN(nn.Module):
    """(N, colours, H, W) to (N, colours, scale*H, scale*W); `kernel` is of the second layer."""

    def __init__(
        self, colours: int, scale: int, channels: int, inner: int, kernel: int, layers: Layers
    ) -> None:
        super().__init__()
        self.scale = scale
        self.extract, self.extract_act = layers.conv(colours, channels, 9), layers.act()
        self.map, self.map_act = layers.conv(channels, inner, kernel), layers.act()
        self.rebuild = layers.conv(inner, colours, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = upscaled(x, self.scale, "bicubic")  # (N, colours, scale*H, scale*W)
        y = self.map_act(self.map(self.extract_act(self.extract(y))))
        image: Tensor = self.rebuild(y)
        return image


@model.register("srcnn")
def srcnn(
    scale: int,
    *,
    channels: Positive = 64,
    inner: Positive = 32,
    convolution: Convolution = plain,
    activation: Activation = relu,
) -> nn.Module:
    """SRCNN in RGB: 9x9, 1x1 and 5x5 convolutions on the bicubic image.

    channels  channels after the first convolution
    inner     channels after the second convolution

    Dong et al., Image super-resolution using deep convolutional networks, 2016.
    https://arxiv.org/abs/1501.00092; the authors train on Y alone: `srcnn_y`.
    """
    return SRCNN(3, scale, channels, inner, 1, Layers(convolution, activation))


@model.register("srcnn_y")
def srcnn_y(
    scale: int,
    *,
    channels: Positive = 64,
    inner: Positive = 32,
    kernel: Literal[1, 3, 5] = 1,
    convolution: Convolution = plain,
    activation: Activation = relu,
) -> nn.Module:
    """SRCNN on Y of the bicubic image, as its authors have it; chroma is interpolated.

    9-1-5 has 8,032 weights and 97 biases, 9-5-5 (`kernel: 5`) 57,184 and 97; the authors count
    weights alone. They train with the loss `{luma: {of: mse}}`. A loss of RGB also compares the
    interpolated chroma.

    channels  channels after the first convolution
    inner     channels after the second convolution
    kernel    side of the second convolution: 9-1-5, 9-3-5 or 9-5-5 in the paper

    Dong et al., Image super-resolution using deep convolutional networks, 2016.
    https://arxiv.org/abs/1501.00092; borders are padded with zeros here, cut off in their training.
    """
    body = SRCNN(1, scale, channels, inner, kernel, Layers(convolution, activation))
    return OnLuma(body, scale)
