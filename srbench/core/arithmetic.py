"""How torch computes: fp32 as IEEE single precision or as TF32 on CUDA, and with one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import torch

Arithmetic = Literal["ieee", "tf32"]


@contextmanager
def fp32_as(arithmetic: Arithmetic) -> Iterator[None]:
    """Compute fp32 matrices and convolutions so; afterwards restore the former setting.

    TensorFloat-32 keeps 10 of the 23 bits after the point, on CUDA only: the CPU's libraries stay
    at IEEE. https://docs.pytorch.org/docs/stable/notes/cuda.html#tf32-on-ampere
    """
    backends: Any = torch.backends  # its precision switches have no types
    cuda = (backends.cuda.matmul, backends.cudnn.conv)
    cpu = (backends.mkldnn.matmul, backends.mkldnn.conv)
    before = [place.fp32_precision for place in (*cuda, *cpu)]
    try:
        for place in (*cuda, *cpu):
            place.fp32_precision = arithmetic if place in cuda else "ieee"
        yield
    finally:
        for place, value in zip((*cuda, *cpu), before, strict=True):
            place.fp32_precision = value


def full_precision() -> AbstractContextManager[None]:
    """IEEE fp32 inside: no TF32 on CUDA and no bf16 on the CPU, whatever training has set."""
    return fp32_as("ieee")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute inside with one thread, which is faster where tensors are small.

    On a busy machine a plan of eight networks took 27 s of processor time with two threads, which
    wait for each other, and 4 s with one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
