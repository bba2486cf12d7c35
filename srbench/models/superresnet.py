"""SuperResNet: a short trunk, bilinear upsampling, and an image at every size on the way."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from srbench.blocks.activations import relu
from srbench.blocks.branches import convolution as one_convolution
from srbench.blocks.convolutions import plain
from srbench.blocks.features import none
from srbench.blocks.upsamplers import factors
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.resized import upscaled
from srbench.core.slots import Activation, Convolution, Features, Unit, model


@model.register("superresnet")
class SuperResNet(nn.Module):
    """SuperResNet: a short trunk, bilinear upsampling in steps, and an image after each.

    At x4 it has outputs at x2 and x4, each compared with HR of its size.

    channels  features of the body
    before    units before the first upsampling
    after     units after it
    outputs   all sizes on the way, or the first alone
    features  of a frozen network, joined to the trunk's by a 3x3 convolution

    Practical deep learning workshop 4, image super-resolution exercise. Ours, where it is silent:
    the join has a ReLU.
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 64,
        unit: Unit = one_convolution,
        before: Positive = 1,
        after: int = 0,
        outputs: Literal["all", "first"] = "all",
        features: Features = none,
        convolution: Convolution = plain,
        activation: Activation = relu,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        steps = factors(scale)
        self.steps = steps[:1] if outputs == "first" else steps
        self.factors: tuple[int, ...] = ()
        for step in self.steps:
            self.factors += ((self.factors[-1] if self.factors else 1) * step,)
        self.entry, self.entry_act = layers.conv(3, channels, 3), layers.act()
        self.before = numbered("unit", (unit(channels, 1, layers) for _ in range(before)))
        self.features = features()
        extra: int = getattr(self.features, "channels", 0)
        self.join = layers.conv(channels + extra, channels, 3) if extra else None
        self.join_act = layers.act()
        deep = after if len(self.steps) > 1 else 0  # units that no head uses are not built
        self.after = numbered("unit", (unit(channels, 1, layers) for _ in range(deep)))
        self.heads = nn.ModuleDict(
            {f"head_x{factor}": layers.conv(channels, 3, 1) for factor in self.factors}
        )

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        y = self.before(self.entry_act(self.entry(x)))  # (N, C, H, W)
        if self.join is not None:
            y = self.join_act(self.join(torch.cat([y, self.features(x)], 1)))
        images = {}
        heads = zip(self.steps, self.factors, self.heads.values(), strict=True)
        for i, (step, factor, head) in enumerate(heads):
            if i == 1:
                y = self.after(y)
            y = upscaled(y, step, "bilinear")
            images[factor] = head(y).sigmoid()  # (N, 3, factor*H, factor*W)
        return images
