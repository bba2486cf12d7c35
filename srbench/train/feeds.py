"""How patches reach steps that are run as they were recorded: always at the same addresses."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from srbench.train.ahead import CutAhead


class Tables(Protocol):
    """Patches that are cut on the device of their images: an epoch is a table, a row a patch."""

    def table(self, epoch: int) -> np.ndarray:
        """(patches, columns) int64, in the epoch's order."""

    def cut(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """LR (N, h, w, 3) and HR (N, H, W, 3), uint8, of N rows on the device."""


class Feed(Protocol):
    """Patches for recorded steps: `place` before a step, on the host; `batch` within it."""

    def place(self, epoch: int, within: int) -> Hashable:
        """Put what the step needs where it looks for it; what steps of its kind are known by.

        Steps of one kind have batches of one shape, and are recorded once.
        """

    def ahead(self, epoch: int) -> None:
        """Prepare an epoch while the device is busy with the one before."""

    def batch(self, kind: Any) -> tuple[Tensor, Tensor]:
        """LR and HR, uint8, of the step that was placed. Recorded."""


def feed_of(patches: Any, device: torch.device) -> Feed:
    """The feed of least copying that the patches allow."""
    by_scale = getattr(patches, "by_scale", None)
    if by_scale is None:
        tables = _tables(patches, device)
        return HostFeed(patches, device) if tables is None else TableFeed(tables, patches, device)
    feeds = {}
    for scale, some in by_scale.items():
        tables = _tables(some, device)
        if tables is None:
            return HostFeed(patches, device)  # which cuts each step at its own scale
        feeds[scale] = TableFeed(tables, some, device)
    return ScaledFeed(feeds, patches.scale_of)


def _tables(patches: Any, device: torch.device) -> Tables | None:
    found: Tables | None = getattr(patches, "on_device", lambda _: None)(device)
    return found


class TableFeed:
    """Rows of a table: one small copy an epoch, patches cut on the device."""

    def __init__(self, tables: Tables, patches: Any, device: torch.device) -> None:
        self.tables, self.device = tables, device
        self.ready: tuple[int, Tensor] | None = None
        self.open: int | None = None
        first = self._made(0)
        self.size = len(patches.batch(0, 0)[0])  # of all batches but the last
        self.table = torch.empty_like(first, device=device)
        self.first = torch.zeros((), dtype=torch.int64, device=device)  # row of the step
        self.count = len(first)

    def place(self, epoch: int, within: int) -> int:
        if self.open != epoch:
            self.table.copy_(self._made(epoch), non_blocking=True)
            self.open = epoch
        self.first.fill_(within * self.size)
        return min(self.size, self.count - within * self.size)

    def ahead(self, epoch: int) -> None:
        self.ready = epoch, self._made(epoch)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        rows = self.first + torch.arange(size, device=self.device)
        return self.tables.cut(self.table.index_select(0, rows))

    def _made(self, epoch: int) -> Tensor:
        if self.ready is not None and self.ready[0] == epoch:
            return self.ready[1]
        table = torch.from_numpy(np.ascontiguousarray(self.tables.table(epoch)))
        return table.pin_memory() if self.device.type == "cuda" else table


class HostFeed:
    """Patches cut on the host, for degradations and augmentations that only it can do.

    The copy to the device waits for nothing, and the next batches are being cut meanwhile.
    """

    def __init__(self, patches: Any, device: torch.device) -> None:
        self.patches = CutAhead(patches) if device.type == "cuda" else patches
        self.device = device
        self.places: dict[Hashable, tuple[Tensor, Tensor]] = {}  # by the shapes of a batch

    def place(self, epoch: int, within: int) -> Hashable:
        pair = [torch.from_numpy(pixels) for pixels in self.patches.batch(epoch, within)]
        if self.device.type == "cuda":
            pair = [pixels.pin_memory() for pixels in pair]
        shapes = tuple(pixels.shape for pixels in pair)
        if shapes not in self.places:
            lr, hr = (torch.empty_like(pixels, device=self.device) for pixels in pair)
            self.places[shapes] = lr, hr
        for place, pixels in zip(self.places[shapes], pair, strict=True):
            place.copy_(pixels, non_blocking=True)
        return shapes

    def ahead(self, epoch: int) -> None: ...

    def batch(self, shapes: Hashable) -> tuple[Tensor, Tensor]:
        return self.places[shapes]


class ScaledFeed:
    """Patches of several scales, each from a feed of its own; their kinds begin with the scale."""

    def __init__(self, feeds: Mapping[int, TableFeed], scale_of: Callable[[int, int], int]) -> None:
        self.feeds, self.scale_of = feeds, scale_of

    def place(self, epoch: int, within: int) -> tuple[int, int]:
        scale = self.scale_of(epoch, within)
        return scale, self.feeds[scale].place(epoch, within)

    def ahead(self, epoch: int) -> None:
        for feed in self.feeds.values():
            feed.ahead(epoch)

    def batch(self, kind: tuple[int, int]) -> tuple[Tensor, Tensor]:
        scale, size = kind
        return self.feeds[scale].batch(size)
