"""SPAN's convolution: three in a row and a 1x1 beside them in training, one afterwards."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from srbench.core.fused import equal_convolution
from srbench.core.registry import Positive
from srbench.core.slots import convolution


@convolution.register("conv3xc")
class Conv3XC(nn.Module):
    """1x1 to `gain` times the channels, a convolution, 1x1 back; + a 1x1 of the input.

    Nothing stands between them, so after training they are one convolution, and are costed, timed,
    exported and applied as that. The zeros at the border enter the first 1x1.

    gain  channels inside for each outside

    Wan et al., Swift parameter-free attention network for efficient super-resolution, 2024.
    https://arxiv.org/abs/2311.12770
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        rate: int,
        groups: int,
        *,
        gain: Positive = 2,
    ) -> None:
        super().__init__()
        self.inputs, self.kernel, self.rate, self.groups = inputs, kernel, rate, groups
        self.expand = nn.Conv2d(inputs, gain * inputs, 1, groups=groups)
        self.conv = nn.Conv2d(gain * inputs, gain * outputs, kernel, dilation=rate, groups=groups)
        self.reduce = nn.Conv2d(gain * outputs, outputs, 1, groups=groups)
        self.skip = nn.Conv2d(inputs, outputs, 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        bordered = functional.pad(x, 4 * (self.rate * (self.kernel // 2),))
        y: Tensor = self.reduce(self.conv(self.expand(bordered))) + self.skip(x)
        return y

    def fused(self) -> nn.Module:
        return equal_convolution(self, self.inputs, self.kernel, rate=self.rate, groups=self.groups)
