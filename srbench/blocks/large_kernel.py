"""Large-kernel attentions: values weighed by what lies around them, far out, at little cost."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from srbench.blocks.convolutions import plain
from srbench.core.slots import attention

SCALES = ((3, 5, 2), (5, 7, 3), (7, 9, 4))  # near kernel, far kernel, dilation of the far one


@attention.register("large_kernel")
class LargeKernelAttention(nn.Module):
    """VAN's LKA: multiply by a 5x5 depthwise, a 7x7 dilated depthwise and a 1x1 convolution.

    The three follow each other and see 23x23 pixels; factors are not bounded. VAN puts 1x1
    convolutions and a GELU around it, which are left out.

    Guo et al., Visual attention network, 2022. https://arxiv.org/abs/2202.09741
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = _decomposed(channels, 5, 7, 3)

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.weigh(x)  # (N, C, H, W)
        return x * weights


@attention.register("multi_scale_large_kernel")
class MultiScaleLargeKernelAttention(nn.Module):
    """MAN's MLKA: in three groups of channels, large kernels of 11, 23 and 39 pixels, gated.

    Each group's attention is multiplied by a depthwise convolution of the group, with the first
    kernel of its attention: 3x3, 5x5 or 7x7. MAN has a norm, 1x1 convolutions and a scaled skip
    around it, and makes values and attention from different channels; these are left out.

    Wang et al., Multi-scale attention network for single image super-resolution, 2024.
    https://arxiv.org/abs/2209.14145
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < len(SCALES):
            raise ValueError(f"{channels} channels do not make {len(SCALES)} groups")
        groups = [len(g) for g in torch.arange(channels).tensor_split(len(SCALES))]
        self.weigh, self.gate = nn.ModuleDict(), nn.ModuleDict()
        for size, (near, far, rate) in zip(groups, SCALES, strict=True):
            self.weigh[f"from_{near}"] = _decomposed(size, near, far, rate)
            self.gate[f"from_{near}"] = plain(size, size, near, 1, size)

    def forward(self, x: Tensor) -> Tensor:
        groups = x.tensor_split(len(SCALES), 1)
        pairs = zip(groups, self.weigh.values(), self.gate.values(), strict=True)
        return x * torch.cat([weigh(part) * gate(part) for part, weigh, gate in pairs], 1)


def _decomposed(channels: int, near: int, far: int, rate: int) -> nn.Sequential:
    """A large kernel as a small depthwise one, a dilated depthwise one, and a mix of channels."""
    return nn.Sequential(
        OrderedDict(
            near=plain(channels, channels, near, 1, channels),
            far=plain(channels, channels, far, rate, channels),
            mix=plain(channels, channels, 1, 1, 1),
        )
    )
