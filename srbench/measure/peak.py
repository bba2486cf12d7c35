"""The memory of a network's forward pass, found on the meta device, where nothing is computed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from weakref import WeakKeyDictionary, finalize

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from srbench.core.memory import free_memory
from srbench.core.slots import Image
from srbench.measure.cost import Operations
from srbench.measure.tiles import TILE

COPIES = 1.6  # libraries hold copies in layouts of their own; measured up to 1.55
_per_pixel: WeakKeyDictionary[nn.Module, float] = WeakKeyDictionary()


def fits(net: nn.Module, lrs: Image) -> bool:
    """Whether the free memory of the machine takes the forward pass of LR images (N, H, W, 3).

    The system kills a process that tries and fails. Images that are no larger than a tile are not
    estimated.
    """
    free = free_memory() if lrs.size > 3 * TILE**2 else None
    if free is None:
        return True
    if net not in _per_pixel:
        _per_pixel[net] = COPIES * peak_bytes(net, (1, 3, TILE, TILE)) / TILE**2
    return _per_pixel[net] * lrs.size / 3 < free


def peak_bytes(net: nn.Module, shape: tuple[int, ...]) -> int:
    """The most bytes that results hold at one time, for an fp32 image of this shape, its own too.

    Weights and what libraries need for themselves are not among them. 0 where it is not known,
    since the network does not run on the meta device.
    """
    seen = _Alive()
    try:
        with torch.no_grad(), torch.device("meta"):
            shapes = deepcopy(net).to("meta").eval()
            with Operations(), seen:
                shapes(torch.empty(shape, device="meta"))
    except RuntimeError:
        return 0
    return seen.peak


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storages of results while they are alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self.known = WeakIdKeyDictionary()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as in cost.py

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._note(tensor.untyped_storage())
        return result

    def _note(self, storage: torch.UntypedStorage) -> None:
        if storage in self.known:
            return
        self.known[storage] = None
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        finalize(storage, self._freed, storage.nbytes())

    def _freed(self, size: int) -> None:
        self.now -= size
