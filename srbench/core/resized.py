"""Images on a device, resized by the matrices of `resample`."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn

from srbench.core.resample import Kernel, weights


def resized(x: Tensor, height: int, width: int, kernel: Kernel = "bicubic") -> Tensor:
    """Images (N, C, H, W) as (N, C, height, width); antialiased where they shrink, not rounded.

    Computed in fp32 at the least: autocast would round images to the 8 bits of bf16.
    """
    if x.dtype in (torch.bfloat16, torch.float16):
        return resized(x.float(), height, width, kernel).to(x.dtype)
    if x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):
        with torch.autocast(x.device.type, enabled=False):
            return resized(x, height, width, kernel)
    rows = _matrix(x.shape[-2], height, kernel, x)
    columns = _matrix(x.shape[-1], width, kernel, x)
    return (columns @ (rows @ x).mT).mT


def upscaled(x: Tensor, scale: int, kernel: Kernel) -> Tensor:
    """Images (N, C, H, W) as (N, C, scale*H, scale*W); bicubic has a = -0.5, as in MATLAB.

    Where torch would make bilinear interpolation deterministic, a matrix does it (equal to 1.2e-7
    at x2 and x4, to the rounding of torch's 1/3 at x3): torch's way sorts and scatters, 157 kernels
    in a step of superresnet instead of 51.
    """
    if kernel == "nearest":
        return nn.functional.interpolate(x, scale_factor=scale, mode="nearest")
    if kernel == "bilinear" and not deterministic_cuda(x):
        return nn.functional.interpolate(
            x, scale_factor=scale, mode="bilinear", align_corners=False
        )
    height, width = x.shape[-2:]
    return resized(x, scale * height, scale * width, kernel)


def stretched(x: Tensor, height: int, width: int) -> Tensor:
    """Features (N, C, H, W), no larger, as (N, C, height, width) by bilinear interpolation.

    Pixel centres are aligned. As in `upscaled`, a matrix does it where torch would sort.
    """
    if deterministic_cuda(x):
        sides = zip(x.shape[-2:], (height, width), strict=True)
        shape = [new if side == 1 else side for side, new in sides]  # a column times a row is
        x = x.expand(*x.shape[:2], *shape)  # compiled by triton, where torch meets it
        return resized(x, height, width, "bilinear")
    size = (height, width)
    return nn.functional.interpolate(x, size, mode="bilinear", align_corners=False)


def deterministic_cuda(x: Tensor) -> bool:
    """Whether x is on CUDA, and torch was asked to be deterministic, as in training."""
    return x.is_cuda and torch.are_deterministic_algorithms_enabled()


def _matrix(size: int, new_size: int, kernel: Kernel, like: Tensor) -> Tensor:
    made = _made
    if type(like) is Tensor:  # an export traces with other tensors, which must not be cached
        made = _of_scores if torch.is_inference_mode_enabled() else _of_steps
    return made(size, new_size, kernel, like.dtype, like.device)


def _made(
    size: int, new_size: int, kernel: Kernel, dtype: torch.dtype, device: torch.device
) -> Tensor:
    return torch.tensor(weights(size, new_size, kernel), dtype=dtype, device=device)


def release() -> None:
    """Empty the caches of matrices."""
    _of_steps.cache_clear()
    _of_scores.cache_clear()


# Training has few sizes, and a CUDA graph can neither copy a matrix from the host nor lose one that
# it reads. Scored images have any size, so their matrices have a cache of their own.
_of_steps = lru_cache(maxsize=64)(_made)
_of_scores = lru_cache(maxsize=8)(_made)
