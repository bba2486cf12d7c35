"""A loss of Y alone, which the field's tables are of."""

from __future__ import annotations

from torch import Tensor

from srbench.core.slots import Loss, loss
from srbench.train.losses import Distance, l1


@loss.register("luma")
def luma(*, of: Loss = l1) -> Distance:
    """Another loss, of Y of BT.601 in its limited range, as three equal channels.

    Chroma gets no gradient. The networks of SRCNN's generation were trained so, on one channel.

    of  the loss that Y is compared by

    Dong et al., Image super-resolution using deep convolutional networks, 2016.
    https://arxiv.org/abs/1501.00092
    """
    distance = of()
    return lambda sr, hr: distance(_luma(sr), _luma(hr))


def _luma(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) in 0..1 to Y, 16/255 to 235/255, repeated as three channels."""
    r, g, b = rgb[:, :1], rgb[:, 1:2], rgb[:, 2:]
    y = (16 + 65.481 * r + 128.553 * g + 24.966 * b) / 255  # (N, 1, H, W)
    return y.expand(-1, 3, -1, -1)
