"""IMDN's unit: after each convolution some channels are set aside, the others refined further."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

import torch
from torch import Tensor, nn

from srbench.blocks.channel_attentions import ContrastAwareAttention
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Range
from srbench.core.slots import Attention, unit


@unit.register("information_distillation")
class InformationDistillationUnit(nn.Module):
    """IMDN's block: each of three convolutions sets channels aside, which are joined at the end.

    Information multi-distillation block (IMDB): three times 3x3 conv, act, split; a last 3x3 conv;
    concatenate, attention, 1x1 conv, + shortcut. The rate dilates the 3x3 convolutions.

    distilled  share of the channels that each split sets aside
    attention  on the concatenated channels, before the 1x1 convolution

    Hui et al., Lightweight image super-resolution with information multi-distillation network,
    2019. https://arxiv.org/abs/1909.11856
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        distilled: Annotated[float, Range(0, 1)] = 0.25,
        attention: Attention = ContrastAwareAttention,
    ) -> None:
        super().__init__()
        aside = int(channels * distilled)
        left = channels - aside
        if not (aside and left):
            raise ValueError(f"{distilled:g} of {channels} channels are {aside}; it must be a part")

        def step(inputs: int) -> nn.Module:
            conv = layers.conv(inputs, channels, 3, rate=rate)
            return nn.Sequential(OrderedDict(conv=conv, act=layers.act()))

        self.sizes = aside, left
        self.refine = numbered("step", (step(inputs) for inputs in (channels, left, left)))
        self.last = layers.conv(left, aside, 3, rate=rate)
        self.attention = attention(4 * aside)
        self.fuse = layers.conv(4 * aside, channels, 1)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        left, parts = x, []
        for step in self.refine:
            aside, left = step(left).split(self.sizes, 1)
            parts.append(aside)
        parts.append(self.last(left))
        y: Tensor = self.fuse(self.attention(torch.cat(parts, 1)))  # (N, C, H, W)
        return y + (x if shortcut is None else shortcut)
