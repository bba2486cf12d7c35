"""Which memory order convolutions are fastest in, forward and backward: what `lay_out` rests on.

    python benchmarks/layouts.py                  one thread of this CPU, about 2 minutes
    python benchmarks/layouts.py --device cuda

The least time of each, of processor time on the CPU, so that other work hardly counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

CASES: dict[str, tuple[int, Callable[[], nn.Module]]] = {
    f"3x3 in {g} groups": (64, partial(nn.Conv2d, 64, 64, 3, padding=1, groups=g))
    for g in (1, 2, 4, 8, 16, 64)
} | {
    "7x7 depthwise": (64, partial(nn.Conv2d, 64, 64, 7, padding=3, groups=64)),
    "3x3, rate 2": (64, partial(nn.Conv2d, 64, 64, 3, padding=2, dilation=2)),
    "1x1": (64, partial(nn.Conv2d, 64, 64, 1)),
    "3x3 of 16 channels": (16, partial(nn.Conv2d, 16, 16, 3, padding=1)),
}
ORDERS = {"torch's order": torch.contiguous_format, "channels last": torch.channels_last}


def milliseconds(
    make: Callable[[], nn.Module], channels: int, dtype: Any, order: Any, given: Any
) -> float:
    conv = make().to(given.device, dtype).to(memory_format=order)  # type: ignore[call-overload]
    x = torch.rand(given.batch, channels, 64, 64, dtype=dtype, device=given.device)
    x = x.contiguous(memory_format=order).requires_grad_()
    gradient = torch.ones_like(conv(x))
    wanted = [x, *conv.parameters()]
    cuda = given.device != "cpu"
    clock = time.perf_counter if cuda else time.process_time
    best = float("inf")
    for _ in range(given.rounds + 1):
        if cuda:
            torch.cuda.synchronize()
        start = clock()
        torch.autograd.grad(conv(x), wanted, gradient)
        if cuda:
            torch.cuda.synchronize()
        best = min(best, clock() - start)
    return best * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"ms of forward and backward, batch {given.batch} of 64x64, {given.device}")
    for name, (channels, make) in CASES.items():
        cells = [
            f"{str(dtype)[6:]} {order}: {milliseconds(make, channels, dtype, kept, given):6.2f}"
            for dtype in (torch.float32, torch.bfloat16)
            for order, kept in ORDERS.items()
        ]
        print(f"{name:20} " + "   ".join(cells), flush=True)


if __name__ == "__main__":
    main()
