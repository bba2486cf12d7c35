"""CARN and the switches of the 2019 study: cascades of cascades of residual units.

`carn_official.py` has the authors' own CARN and CARN-M, which are settings of this network.
"""

from __future__ import annotations

import re
from typing import Literal

import torch
from torch import Tensor, nn

from srbench.blocks.activations import leaky_relu
from srbench.blocks.attentions import NoAttention
from srbench.blocks.convolutions import plain
from srbench.blocks.fuses import conv
from srbench.blocks.mean_shift import MeanShift
from srbench.blocks.skips import none
from srbench.blocks.units import ResidualUnit
from srbench.blocks.upsamplers import pixel_shuffle
from srbench.core.layers import Layers
from srbench.core.registry import Positive
from srbench.core.slots import (
    Activation,
    Attention,
    Convolution,
    Fuse,
    Skip,
    Unit,
    Upsampler,
    model,
)
from srbench.core.weights_fill import renamed

Wiring = Literal["intended", "published"]


class Cascade(nn.Module):
    """Stages in a row; after each, a fuse merges the cascade's input and all outputs so far.

    `wiring` decides which modules make up a stage. Intended: a unit with the attention after it.
    Published: the author's code pairs the list [unit, attention, unit, attention, ...] with the
    fuses, so that half of the list is never reached. A stage that is several times in the list is
    one module, used again.
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
        names: dict[int, str] = {}  # of each module, from its first place in the list
        for i, ((name, stage), attention) in enumerate(zip(stages, attentions, strict=True), 1):
            own = names.setdefault(id(stage), f"{name}_{i}")
            self.stages[own] = stage
            pairs.append((own,))
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
    no mean shift; the authors' network is `carn_official`.

    channels          features of the body
    blocks            cascading blocks
    units             units in each block
    entry             whether an activation follows the first convolution
    sharing           each unit has weights of its own, or a block uses one unit again and again
    rates             dilation of the units, one for each block; empty for 1 everywhere
    attention_after   each unit, each block, or both
    wiring            what runs when attention is on (see Cascade); `published` is the 2019 fault
    shortcut          what a unit adds: its own input, or its block's
    upscale           after the blocks, or before them on features as large as HR
    feature_skip      the entry's features added round the blocks
    gather            output of the blocks: the last fuse, or all of them and the entry through a
                      3x3 convolution
    mean_shift        mean colour of the training images, subtracted before and added after
    scales            one upsampler for each of them behind one body; empty for the study's alone.
                      Costs are those at the study's scale: the other upsamplers count as dead

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
        sharing: Literal["none", "block"] = "none",
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
        mean_shift: tuple[float, ...] = (),
        scales: tuple[Positive, ...] = (),
    ) -> None:
        super().__init__()
        if rates and len(rates) != blocks:
            raise ValueError(f"{len(rates)} rates for {blocks} blocks; give one for each block")
        if scales and scale not in scales:
            raise ValueError(f"x{scale} is not one of the scales {list(scales)}")
        layers = Layers(convolution, activation)

        def cascade(name: str, stages: list[nn.Module], where: str) -> Cascade:
            attend = attention if attention_after in (where, "both") else NoAttention
            return Cascade(
                [(name, stage) for stage in stages],
                [attend(channels) for _ in stages],
                [fuse((i + 2) * channels, channels, layers) for i in range(len(stages))],
                wiring=wiring,
                shortcut=shortcut,
            )

        def block(i: int) -> nn.Module:
            rate = rates[i] if rates else 1
            made = [unit(channels, rate, layers) for _ in range(units if sharing == "none" else 1)]
            return cascade("unit", made if sharing == "none" else made * units, "units")

        self.scale, self.scales = scale, scales
        self.sub_mean = MeanShift(mean_shift, "subtract") if mean_shift else nn.Identity()
        self.entry = layers.conv(3, channels, 3)
        self.entry_act = layers.act() if entry == "activated" else nn.Identity()
        self.body = cascade("block", [block(i) for i in range(blocks)], "blocks")
        self.merge = layers.conv((blocks + 1) * channels, channels, 3) if gather == "all" else None
        self.upsampler = (
            nn.ModuleDict({f"x{s}": upsampler(channels, s, layers) for s in scales})
            if scales
            else upsampler(channels, scale, layers)
        )
        self.exit = layers.conv(channels, 3, 3)
        self.add_mean = MeanShift(mean_shift, "add") if mean_shift else nn.Identity()
        self.skip = skip(scale)
        self.upscale_before, self.add_features = upscale == "before", feature_skip == "add"

    def forward(self, x: Tensor) -> Tensor:
        features = self.entry_act(self.entry(self.sub_mean(x)))  # (N, C, H, W)
        if self.upscale_before:
            features = self._upsampled(features)  # (N, C, scale*H, scale*W)
        y = self._body(features)
        if not self.upscale_before:
            y = self._upsampled(y)  # (N, C, scale*H, scale*W)
        image: Tensor = self.skip(self.add_mean(self.exit(y)), x)  # (N, 3, scale*H, scale*W)
        return image

    def _upsampled(self, features: Tensor) -> Tensor:
        own = self.upsampler
        y: Tensor = (own[f"x{self.scale}"] if isinstance(own, nn.ModuleDict) else own)(features)
        return y

    def _body(self, features: Tensor) -> Tensor:
        fused = self.body.outputs(features)
        y = fused[-1] if self.merge is None else self.merge(torch.cat([features, *fused], 1))
        return y + features if self.add_features else y

    def own_name(self, name: str) -> str | None:
        """Our name of a tensor in the authors' files; None for another scale's upsampler."""
        found = UPSAMPLER.fullmatch(name)
        if found is None:
            return renamed(name, NAMES)
        scale, place, kind = int(found[1] or self.scale), int(found[2]) // 3 + 1, found[3]
        if self.scales:
            return f"upsampler.x{scale}.conv{place}.{kind}"
        return f"upsampler.conv{place}.{kind}" if scale == self.scale else None


NAMES = (  # a tensor's name in the authors' files, and in ours
    (r"(sub|add)_mean\.shifter\.", r"\1_mean."),
    (r"b(\d+)\.b(\d+)\.body\.0\.", r"body.stages.block_\1.stages.unit_\2.body.conv1."),
    (r"b(\d+)\.b(\d+)\.body\.2\.", r"body.stages.block_\1.stages.unit_\2.body.conv2."),
    (r"b(\d+)\.b(\d+)\.body\.4\.", r"body.stages.block_\1.stages.unit_\2.body.conv3."),
    (r"b(\d+)\.c(\d+)\.body\.0\.", r"body.stages.block_\1.fuses.fuse_\2.conv."),
    (r"c(\d+)\.body\.0\.", r"body.fuses.fuse_\1.conv."),
)
UPSAMPLER = re.compile(r"upsample\.up(\d*)\.body\.([03])\.(weight|bias)")
