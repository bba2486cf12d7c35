"""Networks of several scales: one body with an upsampler for each.

Such a network lists its `scales` and computes at its current `scale`; so do its modules that depend
on the scale, such as its skip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


def scales_of(net: nn.Module) -> tuple[int, ...]:
    """The scales of a network of several; empty for a network of one scale."""
    return tuple(getattr(net, "scales", ()))


@contextmanager
def computing_at(net: nn.Module, scale: int) -> Iterator[None]:
    """Inside, the network computes at another of its scales, with the same weights.

    Raises:
        ValueError: it has no such scale.
    """
    own = getattr(net, "scale", scale)
    if scale != own and scale not in scales_of(net):
        raise ValueError(f"the network is of x{own}, and x{scale} is not among its scales")
    inside: list[Any] = [m for m in (net, *net.children()) if getattr(m, "scale", None) == own]
    try:
        for module in inside:
            module.scale = scale
        yield
    finally:
        for module in inside:
            module.scale = own
