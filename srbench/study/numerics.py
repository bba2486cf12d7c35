"""What decides the bits of floating-point sums besides the code, and how it is stored as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from srbench.core.devices import MemoryOrder, Precision


@dataclass(frozen=True)
class Numerics:
    """What decides the bits of floating-point sums besides the code."""

    device: str  # "cpu", or the CUDA device's name
    threads: int
    precision: Precision = "fp32"  # of training; scores are always taken in fp32
    memory_order: MemoryOrder = "auto"  # of training

    def __str__(self) -> str:
        order = "" if self.memory_order == "auto" else f", {self.memory_order.replace('_', ' ')}"
        if self.device == "cpu":
            threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
            return f"cpu {self.precision}, {threads}{order}"
        return f"{self.device} {self.precision}{order}"

    @classmethod
    def parse(cls, stored: str) -> Numerics:
        """The inverse of `str`.

        Raises:
            ValueError: the text is of no numerics.
        """
        found = _NUMERICS.fullmatch(stored)
        if found is None:
            raise ValueError(f"{stored!r} names no device with its precision")
        device, precision, threads, order = found.groups("")
        return cls(device, int(threads or 1), precision, order.replace(" ", "_") or "auto")  # type: ignore[arg-type]


_NUMERICS = re.compile(
    rf"(.+) ({'|'.join(get_args(Precision))})(?:, (\d+) threads?)?"
    rf"(?:, ({'|'.join(get_args(MemoryOrder)).replace('_', ' ')}))?"
)
