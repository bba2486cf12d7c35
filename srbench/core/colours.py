"""Y of BT.601 in its limited range, as rgb2ycbcr of MATLAB gives it: one for metric, loss, network.

Poynton, Digital video and HD: algorithms and interfaces, 2012. https://doi.org/10.1016/C2010-0-68987-5
"""

from __future__ import annotations

from torch import Tensor

LUMA = (65.481, 128.553, 24.966)
"""Of R, G and B in 0..1; Y of 8 bits, 16..235, is 16 more than their weighted sum."""
LUMA_OF_GREY = 219 / 255
"""How much Y of `luma` grows where R, G and B all grow by 1; Cb and Cr then stay."""


def luma(rgb: Tensor) -> Tensor:
    """Images (N, 3, H, W) in 0..1 as their Y (N, 1, H, W), 16/255 to 235/255."""
    r, g, b = rgb[:, :1], rgb[:, 1:2], rgb[:, 2:]
    return (16 + LUMA[0] * r + LUMA[1] * g + LUMA[2] * b) / 255
