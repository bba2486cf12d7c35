"""Tensors of a file, put into a network by our names or its authors', each size checked.

A checkpoint contains more than a network: averages, raw weights, optimizers, other networks,
names with a wrapper's prefix. The tensors below each key are compared with the network, and those
that fit are taken.

A network that knows its authors' names has a method `own_name(name)`: our name of a tensor, or None
for one that this network does not need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from srbench.core.errors import InputError

SHOWN, DEEPEST = 3, 12
FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
AVERAGED = re.compile(r"ema|swa|averag|\bnetE\b", re.IGNORECASE)  # netE: KAIR
WHOLE = re.compile(r"net|model|state|dict|param|generator|ema|^TorchScript$", re.IGNORECASE)
"""Keys of whole networks in checkpoints; below another there may be a part of a network."""
AVERAGES = "n_averaged"  # of torch's AveragedModel
BATCHES = "num_batches_tracked"  # of a batch norm; missing in files from before torch 0.4.1
NORMED = (  # weight normalisation's names, since torch 2 and before: length, direction
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ("weight_g", "weight_v"),
)
Tensors = dict[str, Tensor]
Names = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]
"""Patterns of how tensors' names begin in the authors' files, and what replaces that here."""


def renamed(name: str, names: Names) -> str:
    """Our name of a tensor, by the first pattern that its name begins with; else its own."""
    return next((re.sub(a, b, name, count=1) for a, b in names if re.match(a, name)), name)


@dataclass(frozen=True)
class Match:
    """The tensors below one key of a file, by the network's names, and how they differ from it."""

    key: str
    tensors: Tensors
    right: int  # tensors of a name and size that the network has
    problem: str


def fill(net: nn.Module, found: Mapping[str, Tensor], file: Path | str, what: str) -> str:
    """Put the tensors that fit into `net`; returns which were taken, empty if there is no choice.

    Averaged weights are preferred, then what is first in the file. A small network may fit a part
    of a larger one: the number of tensors is given then. `what` names the network in
    errors ("pan at x4"). Half precision is read as fp32.

    Raises:
        InputError: tensors are missing, left over, of another size, or not finite numbers.
    """
    matches = _matches(net, found)
    right = [match for match in matches if not match.problem]
    if not right:
        raise InputError(f"does not fit {what}: {_nearest(matches, found)}", place=str(file))
    taken = right[0]
    _put(net, taken.tensors, file)
    others = [repr(match.key) for match in right[1:]]
    also = f"; {_cut(others, ', ')} would fit too" if others else ""
    whole = WHOLE.search(taken.key.rpartition(".")[2]) or len(taken.tensors) == len(found)
    count = "" if whole else f", {len(taken.tensors)} of {len(found)} tensors"
    return f"key {taken.key!r}{count}{also}" if taken.key or others else ""


def fill_partly(net: nn.Module, found: Mapping[str, Tensor], file: Path | str) -> list[str]:
    """Put those tensors into `net` that fit by name and size; returns the names of the others.

    Of several networks in a file, the one with most tensors that fit is taken, averages first.

    Raises:
        InputError: no tensor fits, or one is not finite.
    """
    own: Tensors = net.state_dict()
    best = max(_matches(net, found), key=lambda match: match.right, default=None)
    if best is None or not best.right:
        raise InputError("holds no tensor that fits the network by name and size", place=str(file))
    taken = {
        name: tensor
        for name, tensor in best.tensors.items()
        if name in own and tensor.shape == own[name].shape
    }
    _put(net, taken, file)
    return [name for name in own if name not in taken]


def _put(net: nn.Module, tensors: Tensors, file: Path | str) -> None:
    """Put tensors into a network, in its own types; refuse what is not finite."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise InputError(f"{name!r:.80} holds NaN or infinity", place=str(file))
    own = net.state_dict()
    net.load_state_dict(own | {name: t.to(own[name].dtype) for name, t in tensors.items()})


def fits(net: nn.Module, found: Mapping[str, Tensor]) -> bool:
    """Whether `fill` would find each name and size; `net` may be on the meta device."""
    return any(not match.problem for match in _matches(net, found))


def part(
    own: Mapping[str, Tensor], found: Mapping[str, Tensor], whose: str, expected: str
) -> Tensors:
    """The tensors of the names and sizes of `own`, of a file that may contain others.

    Raises:
        InputError: `whose` ("vgg16: file.pth") has none; `expected` describes a right file.
    """
    views = _views(found, set(own)).values()
    given = max(views, key=lambda view: _right(own, view), default={})
    for name, tensor in own.items():
        if name not in given or given[name].shape != tensor.shape:
            raise InputError(f"{whose} has no {name} of shape {tuple(tensor.shape)}; {expected}")
    return {name: given[name] for name in own}


def key_views(found: Mapping[str, Tensor]) -> list[Tensors]:
    """The tensors below each key: averaged weights first, then as in the file."""
    views = _views(found, set())
    return [views[key] for key in sorted(views, key=lambda key: not AVERAGED.search(key))]


def _matches(net: nn.Module, found: Mapping[str, Tensor]) -> list[Match]:
    """Every key below which are about as many tensors as the network has, averages first."""
    own: Tensors = net.state_dict()
    unsaved = {name for name, _ in net.named_buffers()} - own.keys()
    rename: Callable[[str], str | None] | None = getattr(net, "own_name", None)
    matches = []
    for key, view in _views(found, set(own)).items():
        if key and 2 * len(view) < len(own):
            continue
        named = view
        if rename is not None and not all(name in own for name in view):
            ours = {name: rename(name) for name in view}
            named = {new: view[name] for name, new in ours.items() if new is not None}
        ignored = unsaved | ({AVERAGES} - own.keys())
        named = {name: tensor for name, tensor in named.items() if name not in ignored}
        matches.append(Match(key, named, _right(own, named), _misfit(own, named)))
    return sorted(matches, key=lambda match: not AVERAGED.search(match.key))


def _views(found: Mapping[str, Tensor], own: set[str]) -> dict[str, Tensors]:
    """The tensors below each key, without wrappers and weight normalisation that `own` lacks."""
    known = {part for name in own for part in name.split(".")}
    plain = {".".join(p for p in n.split(".") if p in known or p not in WRAPPERS): n for n in found}
    if len(plain) == len(found):
        found = {name: found[before] for name, before in plain.items()}
    if not known & {"weight_g", "parametrizations"}:
        found = _unnormed(found)
    views: dict[str, Tensors] = {"": dict(found)}
    for name, tensor in found.items():
        parts = name.split(".", DEEPEST)
        for k in range(1, len(parts)):
            views.setdefault(".".join(parts[:k]), {})[".".join(parts[k:])] = tensor
    return views


def _unnormed(found: Mapping[str, Tensor]) -> Tensors:
    """Weights in place of their lengths and directions.

    Salimans, Kingma, Weight normalization, 2016. https://arxiv.org/abs/1602.07868
    """
    plain = dict(found)
    for name in found:
        for length, direction in NORMED:
            other = name.removesuffix(length) + direction
            if name.endswith(f".{length}") and other in found:
                g, v = plain.pop(name), plain.pop(other)
                dims = [d for d in range(v.dim()) if g.dim() == 0 or g.shape[d] == 1]
                norm = torch.linalg.vector_norm(v, dim=dims, keepdim=True)
                plain[name.removesuffix(length) + "weight"] = v * (g / norm)
    return plain


def _right(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> int:
    return sum(name in given and given[name].shape == own[name].shape for name in own)


def _nearest(matches: list[Match], found: Mapping[str, Tensor]) -> str:
    """What the file contains, and how its most similar part differs."""
    nearest = max(matches, key=lambda match: (match.right, -len(match.tensors)))
    tops = list(dict.fromkeys(name.partition(".")[0] for name in found))
    below = f"of its keys ({_cut(tops, ', ')}) {nearest.key!r} is nearest: " if nearest.key else ""
    return below + nearest.problem


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
    missing = [name for name in own if name not in named and not name.endswith(BATCHES)]
    extra = [name for name in named if name not in own]
    lists = _listed("missing", missing), _listed("left over", extra), _cut(resized), _cut(other)
    return "; ".join(filter(None, lists))


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
