"""Re-parameterised modules: trained as several branches, one convolution afterwards.

Such a module has a method `fused()`, which returns a module that computes the same in eval mode.
What users deploy is fused, so networks are costed, timed, exported and applied in that form.

Ding et al., RepVGG: making VGG-style ConvNets great again, 2021. https://arxiv.org/abs/2101.03697
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from torch import Tensor, nn


def fused(net: nn.Module) -> nn.Module:
    """A copy of a network in which every re-parameterised module is fused.

    A network without such a module is returned as it is. A module used at several places is fused
    once, and the copy uses it at the same places.
    """
    branched: list[Any] = [module for module in net.modules() if _has_fused(module)]
    slim = {id(module): module.fused() for module in branched}
    return deepcopy(net, slim) if slim else net  # deepcopy takes these for copies it has made


def fused_convolution(
    kernel: Tensor, bias: Tensor | None, *, rate: int = 1, groups: int = 1
) -> nn.Conv2d:
    """The convolution with these weights that keeps height and width by zero padding.

    `kernel` is (outputs, inputs per group, k, k) with k odd, `bias` (outputs,); `rate` is the
    dilation.
    """
    outputs, inputs, side, _ = kernel.shape
    conv = nn.Conv2d(
        inputs * groups, outputs, side, padding=rate * (side // 2), dilation=rate, groups=groups,
        bias=bias is not None, device="meta",
    )  # fmt: skip
    conv.weight = nn.Parameter(kernel.detach())
    if bias is not None:
        conv.bias = nn.Parameter(bias.detach())
    return conv


def _has_fused(module: nn.Module) -> bool:
    """Whether its class has the method; a submodule of that name is none."""
    return callable(getattr(type(module), "fused", None))
