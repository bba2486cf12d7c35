"""Convolutions: (inputs, outputs, kernel, rate, groups) -> module.

(N, inputs, H, W) to (N, outputs, H, W); kernels are odd, `rate` is the dilation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.core.registry import Positive
from srbench.core.slots import convolution


def without_bias(layer: nn.Module) -> nn.Module:
    """The same convolution without its bias, whichever part built it."""
    for inner in layer.modules():
        if isinstance(inner, nn.Conv2d):
            inner.register_parameter("bias", None)
    return layer


@convolution.register("plain")
def plain(inputs: int, outputs: int, kernel: int, rate: int, groups: int) -> nn.Module:
    """A convolution with zero padding.

    LeCun et al., Gradient-based learning applied to document recognition, 1998.
    https://doi.org/10.1109/5.726791
    """
    padding = rate * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=rate, groups=groups)


@convolution.register("atrous")
def atrous(
    inputs: int, outputs: int, kernel: int, rate: int, groups: int, *, dilation: Positive = 2
) -> nn.Module:
    """A convolution with holes: taps `dilation` pixels apart, times the rate of the place.

    dilation  pixels from one tap to the next; 1 is the plain convolution

    Yu, Koltun, Multi-scale context aggregation by dilated convolutions, 2016.
    https://arxiv.org/abs/1511.07122
    """
    return plain(inputs, outputs, kernel, rate * dilation, groups)


@convolution.register("grouped")
def grouped(
    inputs: int, outputs: int, kernel: int, rate: int, groups: int, *, into: Positive = 4
) -> nn.Module:
    """A convolution in `into` groups of channels, where inputs and outputs divide by it.

    Elsewhere (RGB in, RGB out) it stays whole.

    into  groups of channels; n groups have a share 1/n of the weights

    Krizhevsky et al., ImageNet classification with deep convolutional networks, 2012.
    https://doi.org/10.1145/3065386
    """
    divides = inputs % into == 0 and outputs % into == 0
    return plain(inputs, outputs, kernel, rate, max(groups, into) if divides else groups)


@convolution.register("partial")
class PartialConvolution(nn.Conv2d):
    """Zero padding, corrected: divided by the share of real pixels under the window.

    conv without bias, times (kernel area / real pixels under the window), plus bias. For a whole
    image that ratio depends on shape, kernel and rate only, so it is computed once a shape.
    `partial_channels` is another thing: it convolves a part of the channels.

    Liu et al., Partial convolution based padding, 2018. https://arxiv.org/abs/1811.11718
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, rate: int, groups: int) -> None:
        super().__init__(
            inputs, outputs, kernel, padding=rate * (kernel // 2), dilation=rate, groups=groups
        )
        self._ratios: dict[tuple[int, int, torch.device, torch.dtype], Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        y = functional.conv2d(
            x, self.weight, None, self.stride, self.padding, self.dilation, self.groups
        )
        y = y * self._ratio(y)
        return y if self.bias is None else y + self.bias.view(1, -1, 1, 1)

    def _ratio(self, y: Tensor) -> Tensor:
        key = (y.shape[-2], y.shape[-1], y.device, y.dtype)
        if key not in self._ratios:
            with torch.no_grad():
                real = torch.ones(1, 1, *y.shape[-2:], device=y.device, dtype=torch.float32)
                window = torch.ones(1, 1, *self.kernel_size, device=y.device, dtype=torch.float32)
                under = functional.conv2d(
                    real, window, padding=self.padding, dilation=self.dilation
                )
                self._ratios[key] = (window.numel() / under).to(y.dtype)  # (1, 1, H, W)
        return self._ratios[key]
