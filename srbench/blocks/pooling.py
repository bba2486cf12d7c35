"""Max pooling that is deterministic on CUDA, where training asks torch for it.

There torch's own backward passes add up in any order. Maxima over a view of the windows do not;
they are slower, so torch's pooling serves elsewhere. Values are equal; the gradient of a maximum
that several pixels share goes to all of them instead of one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from srbench.core.resized import deterministic_cuda


def max_pool(x: Tensor, kernel: tuple[int, int], stride: int) -> Tensor:
    """Maxima of (N, C, H, W) over the windows that lie inside, `stride` pixels apart."""
    if not deterministic_cuda(x):
        return functional.max_pool2d(x, kernel, stride)
    return window_maxima(x, kernel, stride)


def adaptive_max_pool(x: Tensor, height: int, width: int) -> Tensor:
    """Maxima of windows that cover the image evenly: (N, C, H, W) to (N, C, height, width)."""
    if not deterministic_cuda(x):
        return functional.adaptive_max_pool2d(x, (height, width))
    return even_maxima(even_maxima(x, 2, height), 3, width)


def window_maxima(x: Tensor, kernel: tuple[int, int], stride: int) -> Tensor:
    """As `max_pool`, without torch's pooling."""
    rows = x.unfold(2, kernel[0], stride).amax(-1)
    return rows.unfold(3, kernel[1], stride).amax(-1)


def even_maxima(x: Tensor, dim: int, size: int) -> Tensor:
    """Maxima of `size` windows along one dimension, as `adaptive_max_pool`.

    Window i of n values reaches from floor(i * n / size) to ceil((i + 1) * n / size).
    """
    n = x.shape[dim]
    if n % size == 0:
        return x.unfold(dim, n // size, n // size).amax(-1)
    widest = max(-(-(i + 1) * n // size) - i * n // size for i in range(size))
    i = torch.arange(size, device=x.device)[:, None]
    first = (i * n).div(size, rounding_mode="floor")
    last = ((i + 1) * n + size - 1).div(size, rounding_mode="floor") - 1
    place = torch.minimum(first + torch.arange(widest, device=x.device), last)
    taken = x.index_select(dim, place.flatten())
    return taken.reshape(*x.shape[:dim], size, widest, *x.shape[dim + 1 :]).amax(dim + 1)
