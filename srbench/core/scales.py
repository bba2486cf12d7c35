"""Networks of several scales: one body with an upsampler for each, and which of them answers.

Such a network names what it can do in `scales`, and computes at the one that its `scale` says; so
does what stands in it and depends on the scale, such as its skip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


def scales_of(net: nn.Module) -> tuple[int, ...]:
    """The scales that a network can be asked for; empty where it has the one it was built for."""
    return tuple(getattr(net, "scales", ()))


@contextmanager
def answering_at(net: nn.Module, scale: int) -> Iterator[None]:
    """Within, the network answers at another of its scales; its weights are the same.

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
