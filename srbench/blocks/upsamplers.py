"""Upsamplers: (channels, scale, layers) -> module, (N, C, H, W) to (N, C, scale*H, scale*W)."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.resized import upscaled
from srbench.core.slots import upsampler


class Bilinear(nn.Module):
    """Bilinear interpolation by one factor; pixel centres are aligned."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return upscaled(x, self.scale, "bilinear")


@upsampler.register("pixel_shuffle")
def pixel_shuffle(
    channels: int, scale: int, layers: Layers, *, rate: Positive = 1, groups: Positive = 1
) -> nn.Module:
    """conv to factor² times the channels, act, shuffle; once for each factor of 2, or once for 3.

    rate    dilation of the convolutions; 1 is none
    groups  groups of channels of the convolutions

    Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network, 2016. https://arxiv.org/abs/1609.05158
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for i, factor in enumerate(factors(scale), 1):
        wide = channels * factor**2
        stages[f"conv{i}"] = layers.conv(channels, wide, 3, rate=rate, groups=groups)
        stages[f"act{i}"] = layers.act()
        stages[f"shuffle{i}"] = nn.PixelShuffle(factor)
    return nn.Sequential(stages)


@upsampler.register("nearest")
def nearest(channels: int, scale: int, layers: Layers) -> nn.Module:
    """Repeat pixels, conv, act; once for each factor of 2, or once for 3.

    Odena et al., Deconvolution and checkerboard artifacts, 2016.
    https://doi.org/10.23915/distill.00003
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for i, factor in enumerate(factors(scale), 1):
        stages[f"repeat{i}"] = nn.Upsample(scale_factor=factor, mode="nearest")
        stages[f"conv{i}"] = layers.conv(channels, channels, 3)
        stages[f"act{i}"] = layers.act()
    return nn.Sequential(stages)


@upsampler.register("bilinear")
def bilinear(channels: int, scale: int, layers: Layers) -> nn.Module:
    """Bilinear interpolation by the whole scale, without weights.

    Odena et al., Deconvolution and checkerboard artifacts, 2016.
    https://doi.org/10.23915/distill.00003
    """
    return Bilinear(scale)


@upsampler.register("transposed")
def transposed(channels: int, scale: int, layers: Layers, *, kernel: Positive = 3) -> nn.Module:
    """Transposed convolution, act; once for each factor of 2, or once for 3.

    Windows overlap unevenly where `kernel` does not divide by the factor: a checkerboard.

    kernel  side of the kernel in pixels, at least the factor of a stage

    Dong et al., Accelerating the super-resolution convolutional neural network, 2016.
    https://arxiv.org/abs/1608.00367
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for i, factor in enumerate(factors(scale), 1):
        if kernel < factor:
            raise ValueError(f"transposed.kernel {kernel} leaves gaps at a factor of {factor}")
        cut = (kernel - factor + 1) // 2
        stages[f"conv{i}"] = nn.ConvTranspose2d(
            channels,
            channels,
            kernel,
            stride=factor,
            padding=cut,
            output_padding=factor - kernel + 2 * cut,
        )  # (N, C, H, W) -> (N, C, factor*H, factor*W)
        stages[f"act{i}"] = layers.act()
    return nn.Sequential(stages)


def factors(scale: int) -> tuple[int, ...]:
    """The factors of a scale, one a stage: 2 -> (2,), 3 -> (3,), 4 -> (2, 2), 8 -> (2, 2, 2).

    Raises:
        ValueError: the scale is neither 3 nor a power of two.
    """
    if scale in (1, 3):
        return (scale,) if scale == 3 else ()
    if scale < 1 or scale & (scale - 1):
        raise ValueError(f"scale {scale} is not 1, 2, 3, 4 or 8")
    return (2,) * (scale.bit_length() - 1)
