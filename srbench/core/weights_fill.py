"""Tensors of a file, put into a network by our names or its authors', each size checked.

A network that knows its authors' names has a method `own_name(name)`: our name of a tensor, or None
for one that this network does not need.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from srbench.core.errors import InputError

SHOWN = 3
FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def fill(net: nn.Module, found: Mapping[str, Tensor], file: Path | str, what: str) -> None:
    """Put every tensor into its place in `net`; every place gets one.

    `what` names the network in errors ("pan at x4"). Half precision is read as fp32.

    Raises:
        InputError: tensors are missing, left over, of another size, or not finite numbers.
    """
    own = net.state_dict()
    named = _named(net, found, own)
    problem = _misfit(own, named)
    if problem:
        raise InputError(f"does not fit {what}: {problem}", place=str(file))
    for name, tensor in named.items():
        if not tensor.isfinite().all():
            raise InputError(f"{name!r:.80} holds NaN or infinity", place=str(file))
    net.load_state_dict({name: tensor.to(own[name].dtype) for name, tensor in named.items()})


def fits(net: nn.Module, found: Mapping[str, Tensor]) -> bool:
    """Whether `fill` would find each name and size; `net` may be on the meta device."""
    own = net.state_dict()
    return not _misfit(own, _named(net, found, own))


def _named(
    net: nn.Module, found: Mapping[str, Tensor], own: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors under our names."""
    rename: Any = getattr(net, "own_name", None)
    if rename is None or all(name in own for name in found):
        return dict(found)
    renamed = {name: rename(name) for name in found}
    return {ours: found[name] for name, ours in renamed.items() if ours is not None}


def _misfit(own: Mapping[str, Tensor], named: Mapping[str, Tensor]) -> str:
    """The differences in names, sizes and types, as one line; empty where there are none."""
    pairs = [(name, named[name], own[name]) for name in own if name in named]
    resized = [
        f"{name} is {_size(given)}, expected {_size(ours)}"
        for name, given, ours in pairs
        if given.shape != ours.shape
    ]
    other = [
        f"{name} holds {str(given.dtype).removeprefix('torch.')}"
        for name, given, ours in pairs
        if _kind(given) != _kind(ours)
    ]
    missing = _listed("missing", [name for name in own if name not in named])
    extra = _listed("left over", [name for name in named if name not in own])
    return "; ".join(filter(None, (missing, extra, _cut(resized), _cut(other))))


def _kind(tensor: Tensor) -> str:
    return "fraction" if tensor.dtype in FLOATS else str(tensor.dtype)


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _listed(what: str, names: list[str]) -> str:
    tensors = "tensor" if len(names) == 1 else "tensors"
    return f"{len(names)} {tensors} {what} ({_cut(names, ', ')})" if names else ""


def _cut(items: list[str], between: str = "; ") -> str:
    more = [f"and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
    return between.join([f"{item:.160}" for item in items[:SHOWN]] + more)
