"""Losses: () -> module, (SR, HR) both (N, 3, H, W) in 0..1 to a scalar; smaller is better."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.core.registry import Positive, Range
from srbench.core.slots import Loss, loss

Distance = Callable[[Tensor, Tensor], Tensor]


@loss.register("l1")
def l1() -> Distance:
    """Mean absolute difference.

    Zhao et al., Loss functions for image restoration with neural networks, 2017.
    https://arxiv.org/abs/1511.08861
    """
    return nn.L1Loss()


@loss.register("mse")
def mse() -> Distance:
    """Mean squared difference, which PSNR is computed from.

    Dong et al., Image super-resolution using deep convolutional networks, 2016.
    https://arxiv.org/abs/1501.00092
    """
    return nn.MSELoss()


@loss.register("charbonnier")
class Charbonnier(nn.Module):
    """sqrt(difference² + epsilon²), a smooth L1, on values in 0..1.

    epsilon  differences below it count quadratically

    Lai et al., Deep Laplacian pyramid networks, 2017. https://arxiv.org/abs/1704.03915
    """

    def __init__(self, *, epsilon: Annotated[float, Range(1e-9)] = 1e-3) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        return torch.sqrt((sr - hr).square() + self.epsilon**2).mean()


@loss.register("ssim")
class SSIMLoss(nn.Module):
    """1 - SSIM of RGB: a Gaussian window, no downsampling, the valid region.

    Patches narrower than the window are refused. Ours, equal to piq's, which waits for the device
    to check its inputs at each call, so that no CUDA graph can hold it.

    window  side of the Gaussian window in pixels, an odd number
    sigma   standard deviation of the Gaussian, in pixels

    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004.
    https://doi.org/10.1109/TIP.2003.819861
    """

    def __init__(
        self, *, window: Positive = 11, sigma: Annotated[float, Range(0.01)] = 1.5
    ) -> None:
        super().__init__()
        if window % 2 == 0:
            raise ValueError(f"ssim.window {window} is even; an odd one has a centre")
        self.window, self.sigma = window, sigma

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        if min(hr.shape[-2:]) < self.window:
            raise ValueError(
                f"patches of {hr.shape[-2]}x{hr.shape[-1]} are smaller than ssim's window "
                f"{self.window}"
            )
        window = _gaussian(self.window, self.sigma, hr.dtype, hr.device)
        x, y = sr.clamp(0, 1), hr
        mean_x, mean_y, xx, yy, xy = (_within(window, v) for v in (x, y, x * x, y * y, x * y))
        spread = xx - mean_x**2 + yy - mean_y**2
        contrast = (2 * (xy - mean_x * mean_y) + 0.03**2) / (spread + 0.03**2)
        brightness = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
        return 1 - (brightness * contrast).mean()


@lru_cache(maxsize=64)
def _gaussian(window: int, sigma: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(window, window), of sum 1; cached, for a CUDA graph copies nothing from the host."""
    x = torch.arange(window, dtype=torch.float64) - (window - 1) / 2
    line = torch.exp(-x.square() / (2 * sigma**2))
    weights = torch.outer(line, line)
    return (weights / weights.sum()).to(dtype).to(device)


def _within(window: Tensor, images: Tensor) -> Tensor:
    """Weighted means over every window: (N, C, H, W) to (N, C, H', W'), the valid region."""
    each = window.expand(images.shape[1], 1, -1, -1)
    return functional.conv2d(images, each, groups=images.shape[1])


@loss.register("psnr")
def negative_psnr() -> Distance:
    """-PSNR over all values of a batch, in dB; SR equal to HR counts 100 dB.

    Chen et al., Simple baselines for image restoration, 2022. https://arxiv.org/abs/2204.04676
    """
    return lambda sr, hr: -_psnr(sr, hr)


@loss.register("inverse_psnr")
def inverse_psnr() -> Distance:
    """1 / PSNR: 0.04 is 25 dB. Below 1 dB its tangent replaces it, so that it stays monotonic.

    Practical deep learning workshop 4, image super-resolution exercise, where it is called
    PSNRLoss. Ours, from the values that it prints (0.036 to 0.048, which are 27.8 to 20.8 dB).
    """

    def distance(sr: Tensor, hr: Tensor) -> Tensor:
        db = _psnr(sr, hr)
        return torch.where(db > 1, 1 / db.clamp(min=1), 2 - db)

    return distance


def _psnr(sr: Tensor, hr: Tensor) -> Tensor:
    return -10 * torch.log10((sr - hr).square().mean() + 1e-10)


@loss.register("sum")
class WeightedSum(nn.Module):
    """Several losses, each times its weight: `sum: {of: [l1, ssim], weights: [1, 0.1]}`.

    of       the losses that are added
    weights  factor of each loss, as many as losses

    Zhao et al., Loss functions for image restoration with neural networks, 2017.
    https://arxiv.org/abs/1511.08861
    """

    def __init__(
        self, *, of: tuple[Loss, ...] = (l1, SSIMLoss), weights: tuple[float, ...] = (1.0, 1.0)
    ) -> None:
        super().__init__()
        if len(of) != len(weights) or not of:
            raise ValueError(f"sum has {len(of)} losses and {len(weights)} weights; give as many")
        self.losses = [make() for make in of]
        self.weights = weights

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        terms = [w * loss(sr, hr) for w, loss in zip(self.weights, self.losses, strict=True)]
        return torch.stack(terms).sum()
