"""Images on a device, resized by the matrices of `resample`."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from srbench.resample import Kernel, weights


def resized(x: Tensor, height: int, width: int, kernel: Kernel = "bicubic") -> Tensor:
    """Images (N, C, H, W) as (N, C, height, width); antialiased where they shrink, not rounded."""
    rows = _matrix(x.shape[-2], height, kernel, x)
    columns = _matrix(x.shape[-1], width, kernel, x)
    return (columns @ (rows @ x).mT).mT


def _matrix(size: int, new_size: int, kernel: Kernel, like: Tensor) -> Tensor:
    made = _made
    if type(like) is Tensor:  # an export traces with others, which must not stay
        made = _of_scores if torch.is_inference_mode_enabled() else _of_steps
    return made(size, new_size, kernel, like.dtype, like.device)


def _made(
    size: int, new_size: int, kernel: Kernel, dtype: torch.dtype, device: torch.device
) -> Tensor:
    return torch.tensor(weights(size, new_size, kernel), dtype=dtype, device=device)


# Steps have patches of few sizes, and a CUDA graph can neither bring a matrix from the host nor
# lose the one that it reads: so those of scores, which come in every size, are kept apart.
_of_steps = lru_cache(maxsize=64)(_made)
_of_scores = lru_cache(maxsize=8)(_made)
