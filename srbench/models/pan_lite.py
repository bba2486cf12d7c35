"""A student's version of PAN: self-calibrated blocks on the two halves of the channels."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from srbench.blocks.activations import relu
from srbench.blocks.convolutions import plain
from srbench.blocks.pixel_attention import PixelAttention
from srbench.blocks.skips import bilinear
from srbench.blocks.upsamplers import factors
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Attention, Convolution, Skip, model


class SelfCalibrated(nn.Module):
    """One half: 1x1, 3x3, pixel attention, 3x3; the other: 1x1, 3x3; joined by 1x1, + x."""

    def __init__(self, channels: int, layers: Layers, attention: Attention) -> None:
        super().__init__()
        half = channels // 2
        self.point1, self.conv1 = layers.conv(half, half, 1), layers.conv(half, half, 3)
        self.attention = attention(half)
        self.conv2 = layers.conv(half, half, 3)
        self.point2, self.conv3 = layers.conv(half, half, 1), layers.conv(half, half, 3)
        self.join = layers.conv(2 * half, channels, 1)
        self.act = layers.act()

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, 1)  # (N, C/2, H, W) each
        a = self.attention(self.act(self.conv1(self.act(self.point1(a)))))
        a = self.act(self.conv2(a))
        b = self.act(self.conv3(self.act(self.point2(b))))
        y: Tensor = x + self.join(torch.cat([a, b], 1))
        return y


@model.register("pan_lite")
class PANLite(nn.Module):
    """PAN after the incomplete listing of another source: 283,403 parameters at x4.

    The listing gives no width or depth, and its second path calls a convolution of the first, so
    that its own would be unused. Ours: 40 channels, 16 blocks, own
    convolutions in each path, the join and the block's skip as in PAN, a bilinear global skip.
    `attention` is in the blocks, `reconstruction` in the upsampling stages.

    channels  channels of the features, an even number: a block works on their halves
    blocks    self-calibrated blocks in a row

    Zhao et al., Efficient image super-resolution using pixel attention, 2020.
    https://arxiv.org/abs/2010.01073
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 40,
        blocks: Positive = 16,
        attention: Attention = PixelAttention,
        reconstruction: Attention = PixelAttention,
        convolution: Convolution = plain,
        activation: Activation = relu,
        skip: Skip = bilinear,
    ) -> None:
        super().__init__()
        if channels % 2:
            raise ValueError(f"pan_lite.channels {channels} is odd: its blocks work on halves")
        layers = Layers(convolution, activation)
        self.entry = layers.conv(3, channels, 3)
        halves = (SelfCalibrated(channels, layers, attention) for _ in range(blocks))
        self.body = numbered("block", halves)
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        for i, factor in enumerate(factors(scale), 1):
            stages[f"repeat{i}"] = nn.Upsample(scale_factor=factor, mode="nearest")
            stages[f"conv{i}_a"] = layers.conv(channels, channels, 3)
            stages[f"act{i}_a"] = layers.act()
            stages[f"attention{i}"] = reconstruction(channels)
            stages[f"conv{i}_b"] = layers.conv(channels, channels, 3)
            stages[f"act{i}_b"] = layers.act()
        self.upsampler = nn.Sequential(stages)  # (N, C, H, W) -> (N, C, scale*H, scale*W)
        self.exit = layers.conv(channels, 3, 3)
        self.skip = skip(scale)

    def forward(self, x: Tensor) -> Tensor:
        y = self.exit(self.upsampler(self.body(self.entry(x))))
        image: Tensor = self.skip(y, x)
        return image
