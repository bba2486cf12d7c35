"""Pixels that are decoded when they are used: for sets that no disk has room for."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from threading import Lock
from typing import cast

from srbench.core.memory import free_memory
from srbench.core.slots import Image as Pixels

Make = Callable[[], Sequence[Pixels]]
"""Makes pixels again, always the same."""
UNKNOWN = 2**30  # bytes of memory that are taken for free where that is not known


class OnDemand:
    """Stands for pixels (H, W, 3). What is taken of them, by slices, is a copy."""

    def __init__(self, shape: tuple[int, ...], take: Callable[[], Pixels]) -> None:
        self.shape, self.take = shape, take

    @property
    def size(self) -> int:
        return prod(self.shape)

    nbytes = size

    def __getitem__(self, where: slice | tuple[slice, ...]) -> Pixels:
        return self.take()[where].copy()  # a view would hold the whole


class Recent:
    """Pixels as they are asked for; those used last stay, `most` bytes of them."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0
        self.held: OrderedDict[Make, Sequence[Pixels]] = OrderedDict()
        self.lock = Lock()

    def __call__(self, make: Make) -> Sequence[Pixels]:
        with self.lock:
            if make in self.held:
                self.held.move_to_end(make)
                return self.held[make]
        found = make()  # threads make several at a time
        with self.lock:
            if make not in self.held:
                self.held[make] = found
                self.bytes += _bytes(found)
            while self.bytes > self.most and len(self.held) > 1:
                self.bytes -= _bytes(self.held.popitem(last=False)[1])
        return found


class Stands:
    """Notes the pixels of a set, and holds none of them."""

    def __init__(self) -> None:
        self.recent = Recent(share())
        self.pixels: list[Pixels] = []
        self.lock = Lock()

    def keep(self, pixels: Sequence[Pixels], again: Make) -> int:
        with self.lock:
            first = len(self.pixels)
            for n, one in enumerate(pixels):
                stands = OnDemand(one.shape, partial(self._taken, again, n))
                self.pixels.append(cast(Pixels, stands))
            return first

    def _taken(self, again: Make, n: int) -> Pixels:
        return self.recent(again)[n]


def share() -> int:
    """Bytes that a worker may hold of a set's pixels, and as many of LR made of them.

    With a worker on each core, all of them hold half of the memory that is free.
    """
    return (free_memory() or UNKNOWN) // (4 * len(os.sched_getaffinity(0)))


def _bytes(pixels: Sequence[Pixels]) -> int:
    return sum(one.nbytes for one in pixels)
