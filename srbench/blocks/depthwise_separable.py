"""Depthwise separable convolution: one kernel for each channel, then a mix of the channels."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from srbench.blocks.convolutions import plain, without_bias
from srbench.core.slots import convolution


@convolution.register("depthwise_separable")
def depthwise_separable(
    inputs: int, outputs: int, kernel: int, rate: int, groups: int
) -> nn.Module:
    """A convolution of each channel by itself, then a 1x1 convolution over the channels.

    kernel² * inputs + inputs * outputs weights and one bias. Groups are those of the 1x1
    convolution. Where the kernel is 1, it is the plain convolution. MobileNet's batch norms and
    activations after either convolution are left out, so that it takes the place of one layer.

    Howard et al., MobileNets: efficient convolutional neural networks for mobile vision
    applications, 2017. https://arxiv.org/abs/1704.04861
    """
    if kernel == 1:
        return plain(inputs, outputs, 1, rate, groups)
    return nn.Sequential(
        OrderedDict(
            depthwise=without_bias(plain(inputs, inputs, kernel, rate, inputs)),
            pointwise=plain(inputs, outputs, 1, 1, groups),
        )
    )
