"""CARN and the switches of the 2019 study: cascades of cascades of residual units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from srbench.blocks.activations import leaky_relu
from srbench.blocks.attentions import NoAttention
from srbench.blocks.convolutions import plain
from srbench.blocks.fuses import conv
from srbench.blocks.skips import none
from srbench.blocks.units import ResidualUnit
from srbench.blocks.upsamplers import pixel_shuffle
from srbench.layers import Layers
from srbench.registry import Positive
from srbench.slots import Activation, Attention, Convolution, Fuse, Skip, Unit, Upsampler, model

Wiring = Literal["intended", "published"]


class Cascade(nn.Module):
    """Stages in a row; after each, a fuse merges the cascade's input and all outputs so far.

    `wiring` says which modules make up a stage. Intended: a unit with the attention after it.
    Published: the author's code walks the list [unit, attention, unit, attention, ...] in step
    with the fuses, so that half the list is never reached.
    """

    def __init__(
        self,
        stages: list[tuple[str, nn.Module]],
        attentions: list[nn.Module],
        fuses: list[nn.Module],
        *,
        wiring: Wiring,
        shortcut: Literal["unit", "block"] = "unit",
    ) -> None:
        super().__init__()
        self.stages, self.fuses = nn.ModuleDict(), nn.ModuleDict()
        pairs: list[tuple[str, ...]] = []
        for i, ((name, stage), attention) in enumerate(zip(stages, attentions, strict=True), 1):
            self.stages[f"{name}_{i}"] = stage
            pairs.append((f"{name}_{i}",))
            if not isinstance(attention, NoAttention):
                self.stages[f"attention_{i}"] = attention
                pairs[-1] += (f"attention_{i}",)
        for i, fuse in enumerate(fuses, 1):
            self.fuses[f"fuse_{i}"] = fuse
        flat = [(name,) for pair in pairs for name in pair]
        self.walk = pairs if wiring == "intended" else flat[: len(fuses)]
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.outputs(x)[-1]

    def outputs(self, x: Tensor) -> list[Tensor]:
        """The output of every fuse, each (N, C, H, W); the last is the cascade's."""
        start, seen, fused = x, [x], []
        for names, fuse in zip(self.walk, self.fuses.values(), strict=True):
            y = x
            for name in names:
                own = self.shortcut == "unit" or not name.startswith("unit")
                y = self.stages[name](y) if own else self.stages[name](y, start)
            seen.append(y)
            x = fuse(torch.cat(seen, 1))  # (N, (i + 1) C, H, W) -> (N, C, H, W)
            fused.append(x)
        return fused


@model.register("carn")
class CARN(nn.Module):
    """Cascading residual network, with every switch of the 2019 study.

    The defaults are that study's `standard`: LeakyReLU 0.1 everywhere, also after the entry, and
    no mean shift; the authors' network has ReLU, a linear entry and a mean shift.

    rates             dilation of the units, one for each block; empty for 1 everywhere
    attention_after   each unit, each block, or both
    wiring            what runs when attention is on (see Cascade); `published` is the 2019 fault
    shortcut          what a unit adds: its own input, or its block's
    upscale           after the blocks, or before them on features as large as HR
    feature_skip      the entry's features added round the blocks
    gather            what leaves the blocks: the last fuse, or all of them and the entry through a
                      3x3 convolution

    Ahn et al., Fast, accurate, and lightweight super-resolution with cascading residual network,
    2018. https://arxiv.org/abs/1803.08664; yu45020, Preliminary study on CARN, 2019.
    https://github.com/yu45020/Waifu2x
    """

    def __init__(
        self,
        scale: int,
        *,
        channels: Positive = 64,
        blocks: Positive = 3,
        units: Positive = 3,
        unit: Unit = ResidualUnit,
        rates: tuple[Positive, ...] = (),
        attention: Attention = NoAttention,
        attention_after: Literal["units", "blocks", "both"] = "units",
        wiring: Wiring = "intended",
        shortcut: Literal["unit", "block"] = "unit",
        fuse: Fuse = conv,
        convolution: Convolution = plain,
        activation: Activation = leaky_relu,
        entry: Literal["activated", "linear"] = "activated",
        upsampler: Upsampler = pixel_shuffle,
        upscale: Literal["after", "before"] = "after",
        feature_skip: Literal["none", "add"] = "none",
        gather: Literal["last", "all"] = "last",
        skip: Skip = none,
    ) -> None:
        super().__init__()
        if rates and len(rates) != blocks:
            raise ValueError(f"{len(rates)} rates for {blocks} blocks; give one for each block")
        layers = Layers(convolution, activation)

        def cascade(
            name: str, count: int, stage: Callable[[int], nn.Module], where: str
        ) -> Cascade:
            attend = attention if attention_after in (where, "both") else NoAttention
            return Cascade(
                [(name, stage(i)) for i in range(count)],
                [attend(channels) for _ in range(count)],
                [fuse((i + 2) * channels, channels, layers) for i in range(count)],
                wiring=wiring,
                shortcut=shortcut,
            )

        def block(i: int) -> nn.Module:
            rate = rates[i] if rates else 1
            return cascade("unit", units, lambda _: unit(channels, rate, layers), "units")

        self.entry = layers.conv(3, channels, 3)
        self.entry_act = layers.act() if entry == "activated" else nn.Identity()
        self.body = cascade("block", blocks, block, "blocks")
        self.merge = layers.conv((blocks + 1) * channels, channels, 3) if gather == "all" else None
        self.upsampler = upsampler(channels, scale, layers)
        self.exit = layers.conv(channels, 3, 3)
        self.skip = skip(scale)
        self.upscale_before, self.add_features = upscale == "before", feature_skip == "add"

    def forward(self, x: Tensor) -> Tensor:
        features = self.entry_act(self.entry(x))  # (N, C, H, W)
        if self.upscale_before:
            features = self.upsampler(features)  # (N, C, scale*H, scale*W)
        y = self._body(features)
        if not self.upscale_before:
            y = self.upsampler(y)  # (N, C, scale*H, scale*W)
        image: Tensor = self.skip(self.exit(y), x)  # (N, 3, scale*H, scale*W)
        return image

    def _body(self, features: Tensor) -> Tensor:
        fused = self.body.outputs(features)
        y = fused[-1] if self.merge is None else self.merge(torch.cat([features, *fused], 1))
        return y + features if self.add_features else y
