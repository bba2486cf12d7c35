"""Features: () -> frozen module with `channels`, (N, 3, H, W) to (N, channels, H, W)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from srbench.blocks.extractors import VGG16_CHANNELS, VGG16Features
from srbench.core.slots import features


class NoFeatures(nn.Module):
    """No channels at all."""

    channels = 0

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :0]


@features.register("none")
def none() -> nn.Module:
    """The trunk's own features alone. Ours."""
    return NoFeatures()


@features.register("vgg16")
class FrozenVGG16(nn.Module):
    """VGG16's first four convolutions, frozen; their map, half as large, is resized to LR.

    weights   imagenet (torchvision's), a path, or none: random features, a control

    Simonyan, Zisserman, Very deep convolutional networks for large-scale image recognition, 2015.
    https://arxiv.org/abs/1409.1556
    """

    channels = VGG16_CHANNELS

    def __init__(self, *, weights: str = "imagenet") -> None:
        super().__init__()
        self.vgg16 = VGG16Features(weights)

    def forward(self, x: Tensor) -> Tensor:
        y = self.vgg16(x)  # (N, 128, H/2, W/2)
        return functional.interpolate(y, x.shape[-2:], mode="bilinear", align_corners=False)
