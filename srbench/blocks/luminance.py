"""A network of one channel inside one of RGB: it sees Y, and chroma is interpolated."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.core.colours import LUMA_OF_GREY, luma
from srbench.core.resized import upscaled


class OnLuma(nn.Module):
    """(N, 3, H, W) to (N, 3, scale*H, scale*W): Y is the body's, Cb and Cr are bicubic.

    `body` takes Y (N, 1, H, W) and returns it (N, 1, scale*H, scale*W). No matrix is inverted: what
    the body's Y differs from the bicubic image's is added to R, G and B alike, which leaves chroma
    as it is.
    """

    def __init__(self, body: nn.Module, scale: int) -> None:
        super().__init__()
        self.body, self.scale = body, scale

    def forward(self, x: Tensor) -> Tensor:
        image = upscaled(x, self.scale, "bicubic")  # (N, 3, scale*H, scale*W)
        y: Tensor = self.body(luma(x))  # (N, 1, H, W) -> (N, 1, scale*H, scale*W)
        return image + (y - luma(image)) / LUMA_OF_GREY
