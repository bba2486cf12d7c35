"""Fuses: (inputs, outputs, layers) -> module, (N, inputs, H, W) to (N, outputs, H, W)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import fuse


@fuse.register("conv")
def conv(
    inputs: int, outputs: int, layers: Layers, *, kernel: Positive = 1, groups: Positive = 1
) -> nn.Module:
    """One convolution and an activation: 1x1 as in CARN, or larger, or grouped.

    kernel  side of the convolution in pixels
    groups  groups of channels

    Ahn et al., Fast, accurate, and lightweight super-resolution with cascading residual network,
    2018. https://arxiv.org/abs/1803.08664
    """
    merge = layers.conv(inputs, outputs, kernel, groups=groups)
    return nn.Sequential(OrderedDict(conv=merge, act=layers.act()))
