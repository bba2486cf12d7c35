"""In which numbers a network computes, and in which order its tensors lie in memory.

fp32, TensorFloat-32 (CUDA), or bf16 from weights that stay fp32: then convolutions and linear
layers see bf16 copies of their weights, refreshed once a step, and the rest is torch's autocast.
Losses, gradients' norm and optimizer work in fp32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call

from srbench.core.arithmetic import fp32_as
from srbench.core.devices import MemoryOrder, Precision
from srbench.core.outputs import Answer

COPIED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
"""Exactly these (a subclass may do more with its weights): autocast would cast them every call."""


class Compute(Protocol):
    """A network's forward pass, between refreshing what it computes from and collecting."""

    def refresh(self) -> None:
        """Once before the step's first forward pass, and again where weights have changed."""

    def __call__(self, x: Tensor) -> Answer: ...

    def collect(self) -> None:
        """After the backward pass: every weight that was reached has its gradient in fp32."""


class InFp32:
    """The network as it is."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def refresh(self) -> None: ...

    def __call__(self, x: Tensor) -> Answer:
        y: Answer = self.net(x)
        return y

    def collect(self) -> None: ...


class InBf16:
    """The network in bf16, its own weights being the fp32 masters.

    Micikevicius et al., Mixed precision training, 2018. https://arxiv.org/abs/1710.03740; bf16 has
    the range of fp32, so no loss scaling: Kalamkar et al., 2019. https://arxiv.org/abs/1905.12322
    """

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        owners = dict(net.named_modules())
        masters: dict[str, Tensor] = {
            name: weight
            for name, weight in net.named_parameters()
            if type(owners[name.rpartition(".")[0]]) in COPIED
        }
        self.copies = {
            name: weight.detach().to(torch.bfloat16).requires_grad_(weight.requires_grad)
            for name, weight in masters.items()
        }
        self._masters, self._copies = list(masters.values()), list(self.copies.values())

    def refresh(self) -> None:
        with torch.no_grad():
            if self._copies:
                torch._foreach_copy_(self._copies, self._masters)

    def __call__(self, x: Tensor) -> Answer:
        with torch.autocast(x.device.type, torch.bfloat16, cache_enabled=False):
            y: Answer = functional_call(self.net, self.copies, (x,))
        return y.float() if isinstance(y, Tensor) else {k: one.float() for k, one in y.items()}

    def collect(self) -> None:
        into, found = [], []
        for master, copy in zip(self._masters, self._copies, strict=True):
            if copy.grad is not None:  # else no path leads to it: the optimizer leaves it alone
                master.grad = torch.empty_like(master)
                into.append(master.grad)
                found.append(copy.grad)
                copy.grad = None
        if found:
            torch._foreach_copy_(into, found)


def compute(net: nn.Module, precision: Precision) -> Compute:
    """The forward pass of a network in the given precision."""
    return InBf16(net) if precision == "bf16" else InFp32(net)


def arithmetic(precision: str) -> AbstractContextManager[None]:
    """How what is in fp32 is computed in this precision."""
    return fp32_as("tf32" if precision == "tf32" else "ieee")


def lay_out(
    net: nn.Module, precision: Precision, device: torch.device, order: MemoryOrder = "auto"
) -> None:
    """Put weights in a memory order; `auto` is the one thought fastest for the precision.

    `srbench latency --step` measures which one is fastest on a device. On the CPU, bf16
    with channels last was faster for dense, dilated, grouped and depthwise convolutions alike
    (`benchmarks/layouts.py`). On CUDA, grouped ones are known to be slower so (PyTorch 34977).
    Decided by structure, not by a clock: the order of sums follows from it.
    """
    if order == "auto":
        fits = precision == "bf16" and (device.type == "cpu" or not _has_groups(net))
        order = "channels_last" if fits else "contiguous"
    if order == "channels_last":
        net.to(memory_format=torch.channels_last)


def _has_groups(net: nn.Module) -> bool:
    return any(isinstance(m, nn.Conv2d) and m.groups > 1 for m in net.modules())
