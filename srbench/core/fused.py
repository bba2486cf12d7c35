"""Re-parameterised modules: trained as several branches, one convolution afterwards.

Such a module has a method `fused()`, which returns a module that computes the same in eval mode.
What users deploy is fused, so networks are costed, timed, exported and applied in that form.

Ding et al., RepVGG: making VGG-style ConvNets great again, 2021. https://arxiv.org/abs/2101.03697
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn


def fused(net: nn.Module) -> nn.Module:
    """A copy of a network in which every re-parameterised module is fused.

    A network without such a module is returned as it is. A module used at several places is fused
    once, and the copy uses it at the same places.
    """
    branched: list[Any] = [module for module in net.modules() if _has_fused(module)]
    slim = {id(module): module.fused() for module in branched}
    return deepcopy(net, slim) if slim else net  # deepcopy takes these for copies it has made


def equal_convolution(
    branches: nn.Module, inputs: int, kernel: int, *, rate: int = 1, groups: int = 1
) -> nn.Conv2d:
    """The zero-padded convolution that computes what a module of linear branches does in eval mode.

    Its weights are the response to a pixel of one in each of the `inputs` channels, its bias that
    to nothing; it has none if no branch has. No branch may look further than a `kernel` with this
    dilation and these groups.
    """
    pixels = next(branches.parameters()).new_zeros
    side = rate * (kernel - 1) + 1
    image = pixels((inputs + 1, inputs, side, side))
    image[:-1, :, side // 2, side // 2] = torch.eye(inputs)
    with torch.no_grad():
        y = branches(image)[..., ::rate, ::rate]  # (inputs + 1, outputs, kernel, kernel)
    bias = y[-1, :, 0, 0]
    weight = (y[:-1] - y[-1]).transpose(0, 1).flip(2, 3)  # (outputs, inputs, kernel, kernel)
    blocks = weight.reshape(groups, len(bias) // groups, groups, -1, kernel, kernel)
    own = blocks.diagonal(dim1=0, dim2=2).movedim(-1, 0).reshape(len(bias), -1, kernel, kernel)
    biased = any(name.endswith("bias") for name, _ in branches.named_parameters())
    conv = nn.Conv2d(
        inputs, len(bias), kernel, padding=rate * (kernel // 2), dilation=rate, groups=groups,
        bias=biased, device="meta",
    )  # fmt: skip
    conv.weight = nn.Parameter(own.contiguous())
    if biased:
        conv.bias = nn.Parameter(bias.clone())
    return conv


def _has_fused(module: nn.Module) -> bool:
    """Whether its class has the method; a submodule of that name is none."""
    return callable(getattr(type(module), "fused", None))
