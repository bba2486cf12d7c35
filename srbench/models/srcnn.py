"""SRCNN: three convolutions on the image, upscaled by bicubic interpolation."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.blocks.activations import relu
from srbench.blocks.convolutions import plain
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.resized import upscaled
from srbench.core.slots import Activation, Convolution, model


@model.register("srcnn")
class SRCNN(nn.Module):
    """9x9, 1x1 and 5x5 convolutions, 64 and 32 channels, on the bicubic image in RGB.

    channels  channels after the first convolution
    inner     channels after the second convolution

    Dong et al., Image super-resolution using deep convolutional networks, 2016.
    https://arxiv.org/abs/1501.00092; the authors train on Y alone.
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 64,
        inner: Positive = 32,
        convolution: Convolution = plain,
        activation: Activation = relu,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        self.scale = scale
        self.extract, self.extract_act = layers.conv(3, channels, 9), layers.act()
        self.map, self.map_act = layers.conv(channels, inner, 1), layers.act()
        self.rebuild = layers.conv(inner, 3, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = upscaled(x, self.scale, "bicubic")  # (N, 3, scale*H, scale*W)
        y = self.map_act(self.map(self.extract_act(self.extract(y))))
        image: Tensor = self.rebuild(y)
        return image
