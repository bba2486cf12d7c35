"""The convolutions and activations that a network hands to its parts.

`carn: {convolution: partial}` changes entry, units, fuses, upsampler and exit alike, because each
of them builds its convolutions from the `Layers` of the network.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
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


def numbered(name: str, modules: Iterable[nn.Module]) -> nn.Sequential:
    """The modules one after another, named `name_1`, `name_2`, ..."""
    return nn.Sequential(OrderedDict((f"{name}_{i}", m) for i, m in enumerate(modules, 1)))
