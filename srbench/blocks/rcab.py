"""RCAN's unit: EDSR's with channel attention."""

from __future__ import annotations

from functools import partial

from torch import nn

from srbench.blocks.channel_attentions import ChannelAttention
from srbench.blocks.edsr_unit import EDSRUnit
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import unit


@unit.register("rcab")
def rcab(channels: int, rate: int, layers: Layers, *, reduction: Positive = 16) -> nn.Module:
    """Residual channel attention block: conv, act, conv, channel attention, + shortcut.

    It is `edsr: {attention: rcan_channel}`.

    reduction  channels for each hidden node of the attention

    Zhang et al., Image super-resolution using very deep residual channel attention networks, 2018.
    https://arxiv.org/abs/1807.02758
    """
    attention = partial(ChannelAttention, reduction=reduction)
    return EDSRUnit(channels, rate, layers, attention=attention)
