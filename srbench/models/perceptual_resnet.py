"""The network of the perceptual-loss project: three residual stages, each twice as large."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.blocks.activations import relu
from srbench.blocks.convolutions import plain
from srbench.blocks.normalisations import batch
from srbench.blocks.normalised_pair import NormalisedPair
from srbench.blocks.upsamplers import bilinear
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, Normalisation, Upsampler, model


class Stage(nn.Module):
    """A convolution to the stage's width, then residual pairs."""

    def __init__(
        self, inputs: int, channels: int, pairs: int, layers: Layers, normalisation: Normalisation
    ) -> None:
        super().__init__()
        self.entry, self.act = layers.conv(inputs, channels, 3), layers.act()
        made = (
            NormalisedPair(channels, layers, normalisation, act_last=True) for _ in range(pairs)
        )
        self.pairs = numbered("pair", made)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pairs(self.act(self.entry(x)))
        return y


@model.register("perceptual_resnet")
class PerceptualResNet(nn.Module):
    """Ten convolutions in three stages of residual pairs, upscaled in between.

    Upscaled by 2 and 2 at x4; elsewhere by 2 (or 3) and the rest. Ours: no activation after the
    last convolution, which the source does not specify, and more pairs than one by `pairs`.

    wide      channels of the first stage, at the size of LR
    channels  channels of the second and third stage
    pairs     residual pairs of convolutions in each stage

    Gard, Majumder, Super-resolution with deep learning through perceptual loss optimization
    (a seminar project); its upsampling from Odena et al., Deconvolution and checkerboard artifacts,
    2016. https://doi.org/10.23915/distill.00003
    """

    def __init__(
        self,
        scale: int,
        *,
        wide: Positive = 128,
        channels: Positive = 64,
        pairs: Positive = 1,
        convolution: Convolution = plain,
        activation: Activation = relu,
        normalisation: Normalisation = batch,
        upsampler: Upsampler = bilinear,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        first = 3 if scale == 3 else min(scale, 2)
        self.stage_1 = Stage(3, wide, pairs, layers, normalisation)
        self.upscale_1 = upsampler(wide, first, layers)
        self.stage_2 = Stage(wide, channels, pairs, layers, normalisation)
        self.upscale_2 = upsampler(channels, scale // first, layers)
        self.stage_3 = Stage(channels, channels, pairs, layers, normalisation)
        self.exit = layers.conv(channels, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.upscale_1(self.stage_1(x))  # (N, wide, 2*H, 2*W) at x4
        y = self.upscale_2(self.stage_2(y))  # (N, C, scale*H, scale*W)
        image: Tensor = self.exit(self.stage_3(y))
        return image
