"""One thread for torch, where tensors are small.

On a busy machine a plan of eight networks took 27 s of processor time with two threads, which wait
for each other, and 4 s with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute inside with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
