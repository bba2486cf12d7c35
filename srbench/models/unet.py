"""A small U-Net on the upscaled image: Pix2Pix's generator, made small enough for a laptop."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.blocks.activations import relu
from srbench.blocks.normalisations import batch
from srbench.core.registry import Positive
from srbench.core.resample import Kernel
from srbench.core.resized import upscaled
from srbench.core.slots import Activation, Normalisation, model


@model.register("unet")
class UNet(nn.Module):
    """U-Net: encoder and decoder of equal depth with skips between them, at the size of HR.

    Pix2Pix's with fewer layers and channels, without dropout, and with upsampling and a 3x3
    convolution for each transposed convolution. Ours, not given by the source: depth 3, 32
    channels doubled at each level, the input upscaled by bicubic, no activation at the end. Sizes
    that do not divide are padded by repeating the edge, and cut again.

    channels  channels of the first level; each deeper level has twice as many
    depth     levels; each halves height and width

    Isola et al., Image-to-image translation with conditional adversarial networks, 2017.
    https://arxiv.org/abs/1611.07004
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 32,
        depth: Positive = 3,
        activation: Activation = relu,
        normalisation: Normalisation = batch,
    ) -> None:
        super().__init__()
        self.scale, self.depth = scale, depth
        self.kernel: Kernel = "bicubic"
        widths = [channels * 2**i for i in range(depth)]
        self.down, self.up = nn.ModuleDict(), nn.ModuleDict()
        for i, width in enumerate(widths, 1):
            inputs = widths[i - 2] if i > 1 else 3
            self.down[f"level_{i}"] = nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(inputs, width, 4, stride=2, padding=1),
                    norm=nn.Identity() if i == 1 else normalisation(width),
                    act=nn.LeakyReLU(0.2),
                )
            )  # half the height and width
        for i in reversed(range(1, depth + 1)):
            outputs = widths[i - 2] if i > 1 else channels
            inputs = widths[i - 1] * (1 if i == depth else 2)  # what is below, and the skip
            self.up[f"level_{i}"] = nn.Sequential(
                OrderedDict(
                    repeat=nn.Upsample(scale_factor=2, mode="nearest"),
                    conv=nn.Conv2d(inputs, outputs, 3, padding=1),
                    norm=normalisation(outputs),
                    act=activation(),
                )
            )  # twice the height and width
        self.exit = nn.Conv2d(channels + 3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        image = upscaled(x, self.scale, self.kernel)  # (N, 3, scale*H, scale*W)
        height, width = image.shape[-2:]
        step = 2**self.depth
        image = functional.pad(image, (0, -width % step, 0, -height % step), mode="replicate")
        seen, y = [], image
        for level in self.down.values():
            y = level(y)
            seen.append(y)
        seen.pop()  # the deepest has no skip
        for level in self.up.values():
            y = level(y)
            y = torch.cat([y, seen.pop() if seen else image], 1)
        large: Tensor = self.exit(y)
        return large[..., :height, :width]
