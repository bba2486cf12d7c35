"""SRResNet: residual blocks with batch norm at LR, then pixel shuffle."""

from __future__ import annotations

from torch import Tensor, nn

from srbench.blocks.activations import prelu
from srbench.blocks.convolutions import plain
from srbench.blocks.normalisations import batch
from srbench.blocks.normalised_pair import NormalisedPair
from srbench.blocks.upsamplers import pixel_shuffle
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, Normalisation, Upsampler, model


@model.register("srresnet")
class SRResNet(nn.Module):
    """SRResNet: residual blocks between two 9x9 convolutions; 1,549,462 parameters at x4.

    The act of an upsampling stage stands before its shuffle and not after it; with one slope for
    all channels, or none, the two are the same function.

    channels  channels of the features
    blocks    residual blocks, of two convolutions each

    Ledig et al., Photo-realistic single image super-resolution using a generative adversarial
    network, 2017. https://arxiv.org/abs/1609.04802
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 64,
        blocks: Positive = 16,
        convolution: Convolution = plain,
        activation: Activation = prelu,
        normalisation: Normalisation = batch,
        upsampler: Upsampler = pixel_shuffle,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        self.entry, self.entry_act = layers.conv(3, channels, 9), layers.act()
        pairs = (NormalisedPair(channels, layers, normalisation) for _ in range(blocks))
        self.body = numbered("block", pairs)
        self.merge, self.merge_norm = layers.conv(channels, channels, 3), normalisation(channels)
        self.upsampler = upsampler(channels, scale, layers)
        self.exit = layers.conv(channels, 3, 9)

    def forward(self, x: Tensor) -> Tensor:
        features = self.entry_act(self.entry(x))  # (N, C, H, W)
        y = features + self.merge_norm(self.merge(self.body(features)))
        image: Tensor = self.exit(self.upsampler(y))  # (N, 3, scale*H, scale*W)
        return image
