"""SwinIR-light: residual Swin transformer blocks, and one pixel shuffle to RGB."""

from __future__ import annotations

import re
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from srbench.blocks.activations import gelu
from srbench.blocks.convolutions import plain
from srbench.blocks.layer_norm import ChannelLayerNorm
from srbench.blocks.mean_shift import DIV2K
from srbench.blocks.window_attention import WindowAttentionUnit
from srbench.core.layers import Layers, numbered
from srbench.core.registry import Positive
from srbench.core.slots import Activation, Convolution, Normalisation, model
from srbench.core.weights_fill import Names, renamed

NORM = partial(ChannelLayerNorm, epsilon=1e-5)


@model.register("swinir_light")
class SwinIRLight(nn.Module):
    """SwinIR-light: four residual Swin transformer blocks, a long skip, and one pixel shuffle.

    910,152 parameters at x2, 918,267 at x3 and 929,628 at x4, as the authors' code builds it; the
    paper's table has 878, 886 and 897 thousand, one 3x3 convolution of 60 channels less. The image
    is extended to whole windows by reflection, as theirs; an image too small for that is not, and
    the units fill its windows. Ours: no stochastic depth in training.

    channels       features of the body
    units          residual Swin transformer blocks
    depth          layers of attention in each block
    heads          of the attention
    window         side in pixels
    ratio          channels between the two linear layers of an attention layer, for each feature
    normalisation  of the first features and of the last units' output

    Liang et al., SwinIR: image restoration using Swin transformer, 2021.
    https://arxiv.org/abs/2108.10257; code: https://github.com/JingyunLiang/SwinIR
    """

    mean: Tensor

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 60,
        units: Positive = 4,
        depth: Positive = 6,
        heads: Positive = 6,
        window: Positive = 8,
        ratio: Positive = 2,
        normalisation: Normalisation = NORM,
        convolution: Convolution = plain,
        activation: Activation = gelu,
    ) -> None:
        super().__init__()
        layers = Layers(convolution, activation)
        self.scale, self.window = scale, window
        self.register_buffer("mean", torch.tensor(DIV2K).view(1, 3, 1, 1), persistent=False)
        self.entry = layers.conv(3, channels, 3)
        self.entry_norm = normalisation(channels)
        unit = partial(WindowAttentionUnit, depth=depth, heads=heads, window=window, ratio=ratio)
        self.body = numbered("unit", (unit(channels, 1, layers) for _ in range(units)))
        self.end_norm = normalisation(channels)
        self.end = layers.conv(channels, channels, 3)
        self.tail = layers.conv(channels, 3 * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        features = self.entry(in_windows(x, self.window) - self.mean)  # (N, C, H, W)
        y = self.end(self.end_norm(self.body(self.entry_norm(features)))) + features
        image: Tensor = self.shuffle(self.tail(y)) + self.mean
        return image[..., : height * self.scale, : width * self.scale]

    def own_name(self, name: str) -> str | None:
        """Our name of a tensor in the authors' files; None for masks and indices, which we make."""
        computed = name.endswith((".relative_position_index", ".attn_mask"))
        return None if computed else renamed(renamed(name, NAMES), IN_LAYER)


def in_windows(x: Tensor, window: int) -> Tensor:
    """The image extended below and on the right to multiples of the window, by reflection.

    A side that is too short for its reflection stays.
    """
    down, right = (-side % window if -side % window < side else 0 for side in x.shape[2:])
    return functional.pad(x, (0, right, 0, down), mode="reflect") if down or right else x


def _in_layer(found: re.Match[str]) -> str:
    unit, layer = int(found[1]) + 1, int(found[2]) + 1
    return f"body.unit_{unit}.layers.layer_{layer}."


def _in_unit(found: re.Match[str]) -> str:
    return f"body.unit_{int(found[1]) + 1}.conv."


NAMES: Names = (  # a tensor's name in the authors' files, and in ours
    (r"layers\.(\d+)\.residual_group\.blocks\.(\d+)\.", _in_layer),
    (r"layers\.(\d+)\.conv\.", _in_unit),
    (r"conv_first\.", "entry."),
    (r"patch_embed\.norm\.", "entry_norm."),
    (r"norm\.", "end_norm."),
    (r"conv_after_body\.", "end."),
    (r"upsample\.0\.", "tail."),
)
IN_LAYER = (  # the end of a tensor's name in an attention layer, in the authors' files and in ours
    (r"(.+)\.attn\.relative_position_bias_table", r"\1.attend.table"),
    (r"(.+)\.attn\.qkv\.", r"\1.attend.qkv."),
    (r"(.+)\.attn\.proj\.", r"\1.attend.project."),
    (r"(.+)\.mlp\.fc1\.", r"\1.mix.expand."),
    (r"(.+)\.mlp\.fc2\.", r"\1.mix.reduce."),
)
