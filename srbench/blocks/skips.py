"""Skips, also called global residuals: (scale) -> module that adds the upscaled input.

Called with (output, image): (N, 3, scale*H, scale*W) and (N, 3, H, W); no parameters.
"""

from __future__ import annotations

from torch import Tensor, nn

from srbench.core.resample import Kernel
from srbench.core.resized import upscaled
from srbench.core.slots import skip


class Skip(nn.Module):
    """Add the input, upscaled by one kernel, to the output."""

    def __init__(self, scale: int, kernel: Kernel) -> None:
        super().__init__()
        self.scale, self.kernel = scale, kernel

    def forward(self, output: Tensor, image: Tensor) -> Tensor:
        return output + upscaled(image, self.scale, self.kernel)


class NoSkip(nn.Module):
    """Return the output unchanged."""

    def forward(self, output: Tensor, image: Tensor) -> Tensor:
        return output


@skip.register("none")
def none(scale: int) -> nn.Module:
    """No global residual: the output is the network's. Ours."""
    return NoSkip()


@skip.register("nearest")
def nearest(scale: int) -> nn.Module:
    """The network learns the difference from repeated pixels.

    Kim et al., Accurate image super-resolution using very deep convolutional networks, 2016, with
    another kernel. https://arxiv.org/abs/1511.04587
    """
    return Skip(scale, "nearest")


@skip.register("bilinear")
def bilinear(scale: int) -> nn.Module:
    """The network learns the difference from bilinear upscaling.

    yu45020, Preliminary study on CARN, 2019. https://github.com/yu45020/Waifu2x
    """
    return Skip(scale, "bilinear")


@skip.register("bicubic")
def bicubic(scale: int) -> nn.Module:
    """The network learns the difference from bicubic upscaling.

    Kim et al., Accurate image super-resolution using very deep convolutional networks, 2016.
    https://arxiv.org/abs/1511.04587
    """
    return Skip(scale, "bicubic")
