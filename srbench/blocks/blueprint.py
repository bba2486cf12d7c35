"""Blueprint convolutions: every kernel of an output is one blueprint, scaled for each input."""

from __future__ import annotations

from collections import OrderedDict
from math import ceil
from typing import Annotated

from torch import nn

from srbench.blocks.convolutions import plain, without_bias
from srbench.core.registry import Positive, Range
from srbench.core.slots import convolution


@convolution.register("blueprint")
def blueprint(inputs: int, outputs: int, kernel: int, rate: int, groups: int) -> nn.Module:
    """BSConv-U: a 1x1 convolution over the channels, then one of each channel by itself.

    It equals a convolution whose weights are products, mix[output, input] * blueprint[output].
    inputs * outputs + kernel² * outputs weights, and the bias of the second convolution. Groups
    are those of the 1x1 convolution. Where the kernel is 1, it is the plain convolution.

    Haase, Amthor, Rethinking depthwise separable convolutions: how intra-kernel correlations lead
    to improved MobileNets, 2020. https://arxiv.org/abs/2003.13549
    """
    if kernel == 1:
        return plain(inputs, outputs, 1, rate, groups)
    return nn.Sequential(
        OrderedDict(
            mix=without_bias(plain(inputs, outputs, 1, 1, groups)),
            blueprints=plain(outputs, outputs, kernel, rate, outputs),
        )
    )


@convolution.register("blueprint_subspace")
def blueprint_subspace(
    inputs: int,
    outputs: int,
    kernel: int,
    rate: int,
    groups: int,
    *,
    share: Annotated[float, Range(0, 1)] = 0.25,
    least_channels: Positive = 4,
) -> nn.Module:
    """BSConv-S: as BSConv-U, the 1x1 convolution a product of two through fewer channels.

    Between the two are ceil(share * inputs) channels, `least_channels` at the least and not more
    than the inputs, rounded up so that groups divide them. Where the kernel is 1, it is the plain
    convolution. The paper's loss, which keeps the rows of the first convolution orthonormal, is
    left out.

    share           channels between the two 1x1 convolutions, as a share of the inputs
    least_channels  channels between the two at the least

    Haase, Amthor, Rethinking depthwise separable convolutions: how intra-kernel correlations lead
    to improved MobileNets, 2020. https://arxiv.org/abs/2003.13549
    """
    if kernel == 1:
        return plain(inputs, outputs, 1, rate, groups)
    narrow = min(inputs, max(ceil(share * inputs), least_channels))
    narrow = ceil(narrow / groups) * groups
    return nn.Sequential(
        OrderedDict(
            squeeze=without_bias(plain(inputs, narrow, 1, 1, groups)),
            mix=without_bias(plain(narrow, outputs, 1, 1, groups)),
            blueprints=plain(outputs, outputs, kernel, rate, outputs),
        )
    )
