"""ESRGAN's units: a residual dense block, and three of them in another residual."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import unit


@unit.register("dense")
class ResidualDenseUnit(nn.Module):
    """Residual dense block: five 3x3 convolutions, each of all features so far; scaled, + shortcut.

    The last has `channels` outputs and no activation. The paper's activation is a leaky ReLU of
    slope 0.2; the unit takes the network's. The rate dilates every convolution.

    growth          outputs of each of the first four convolutions
    residual_scale  factor of the result before it is added

    Wang et al., ESRGAN: enhanced super-resolution generative adversarial networks, 2018.
    https://arxiv.org/abs/1809.00219
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        growth: Positive = 32,
        residual_scale: float = 0.2,
    ) -> None:
        super().__init__()
        self.residual_scale = residual_scale
        self.grow = nn.ModuleDict(
            {
                f"conv{i + 1}": layers.conv(channels + i * growth, growth, 3, rate=rate)
                for i in range(4)
            }
        )
        self.act = layers.act()
        self.merge = layers.conv(channels + 4 * growth, channels, 3, rate=rate)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        seen = x
        for conv in self.grow.values():
            seen = torch.cat([seen, self.act(conv(seen))], 1)  # `growth` more channels
        y: Tensor = self.merge(seen) * self.residual_scale + (x if shortcut is None else shortcut)
        return y


@unit.register("rrdb")
class ResidualInResidualUnit(nn.Module):
    """Residual-in-residual dense block (RRDB): three dense units; scaled, + shortcut.

    growth          outputs of each of the first four convolutions of a dense unit
    residual_scale  factor of what is added, in the dense units and around the three

    Wang et al., ESRGAN: enhanced super-resolution generative adversarial networks, 2018.
    https://arxiv.org/abs/1809.00219
    """

    def __init__(
        self,
        channels: int,
        rate: int,
        layers: Layers,
        *,
        growth: Positive = 32,
        residual_scale: float = 0.2,
    ) -> None:
        super().__init__()
        self.residual_scale = residual_scale
        three = (
            ResidualDenseUnit(channels, rate, layers, growth=growth, residual_scale=residual_scale)
            for _ in range(3)
        )
        self.body = numbered("dense", three)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y: Tensor = self.body(x) * self.residual_scale + (x if shortcut is None else shortcut)
        return y
