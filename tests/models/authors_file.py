"""Weights in an authors' naming, made up, for networks written down from their published code."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


class File:
    """Tensors as an authors' file names them, drawn at their first use, and how they are applied.

    A network that is written with these functions has the authors' names and knows nothing of
    srbench: what it computes must be what ours computes with its tensors.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.random = torch.Generator().manual_seed(0)

    def tensor(self, name: str, *shape: int) -> Tensor:
        if name not in self.tensors:
            fan_in = math.prod(shape[1:])
            self.tensors[name] = torch.randn(shape, generator=self.random) / fan_in**0.5
        return self.tensors[name]

    def conv(
        self,
        name: str,
        x: Tensor,
        outputs: int,
        kernel: int = 3,
        groups: int = 1,
        padding: int | None = None,
        stride: int = 1,
    ) -> Tensor:
        padding = kernel // 2 if padding is None else padding
        weight = self.tensor(f"{name}.weight", outputs, x.shape[1] // groups, kernel, kernel)
        bias = self.tensor(f"{name}.bias", outputs)
        return F.conv2d(x, weight, bias, stride, padding, groups=groups)

    def linear(self, name: str, x: Tensor, outputs: int) -> Tensor:
        """Of the last dimension."""
        weight = self.tensor(f"{name}.weight", outputs, x.shape[-1])
        return F.linear(x, weight, self.tensor(f"{name}.bias", outputs))

    def norm(self, name: str, x: Tensor, epsilon: float = 1e-5) -> Tensor:
        """Layer normalisation over the last dimension."""
        c = x.shape[-1]
        return F.layer_norm(
            x, (c,), self.tensor(f"{name}.weight", c), self.tensor(f"{name}.bias", c), epsilon
        )
