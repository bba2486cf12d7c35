"""A loss of Y alone, which the field's tables are of."""

from __future__ import annotations

from torch import Tensor

from srbench.core.colours import luma as luma_of
from srbench.core.slots import Loss, loss
from srbench.train.losses import Distance, l1


@loss.register("luma")
def luma(*, of: Loss = l1) -> Distance:
    """A loss of brightness alone: another loss compares Y of BT.601, limited range.

    Y is given to it as three equal channels; chroma gets no gradient. Networks of SRCNN's
    generation were trained so, on one channel: `srcnn_y` and `espcn_y`.

    of  the loss that Y is compared by

    Dong et al., Image super-resolution using deep convolutional networks, 2016.
    https://arxiv.org/abs/1501.00092
    """
    distance = of()
    return lambda sr, hr: distance(_grey(sr), _grey(hr))


def _grey(rgb: Tensor) -> Tensor:
    return luma_of(rgb).expand(-1, 3, -1, -1)  # (N, 1, H, W) -> (N, 3, H, W)
