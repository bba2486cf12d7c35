"""Layers: what a network hands to its parts, so that one word in a study reaches every layer.

`carn: {convolution: partial}` changes entry, units, fuses, upsampler and exit alike, because each
of them builds its convolutions from the `Layers` that the network was given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Layers:
    """How one network builds its convolutions and activations."""

    convolution: Callable[[int, int, int, int, int], nn.Module]
    activation: Callable[[], nn.Module]

    def conv(
        self, inputs: int, outputs: int, kernel: int, *, rate: int = 1, groups: int = 1
    ) -> nn.Module:
        """A convolution that keeps height and width: (N, inputs, H, W) to (N, outputs, H, W)."""
        return self.convolution(inputs, outputs, kernel, rate, groups)

    def act(self) -> nn.Module:
        """An activation: any shape to the same shape."""
        return self.activation()
