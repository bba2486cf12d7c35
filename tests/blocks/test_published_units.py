"""Units of published networks: their counts, and what makes each of them what it is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srbench.blocks.conv3xc import Conv3XC
from srbench.blocks.naf import SimpleGate
from srbench.blocks.shuffle_mixer import SplitMixer
from srbench.blocks.window_attention import SwinLayer
from srbench.core import slots
from srbench.core.fused import fused
from srbench.core.layers import Layers

slots.load()
LAYERS = Layers(slots.convolution.parse("plain").build(), slots.activation.parse("gelu").build())


def built(unit: Any, channels: int) -> nn.Module:
    module: nn.Module = slots.unit.parse(unit).build()(channels, 1, LAYERS)
    return module


@pytest.mark.parametrize(
    ("unit", "channels", "parameters"),
    [
        ("dense", 64, 239_808),
        ("rrdb", 64, 719_424),  # 23 of them are 16.55 of the 16.70 million of RRDBNet
        ("shuffle_mixer", 64, 74_768),  # five are 374 of the 411 thousand of ShuffleMixer at x4
        ({"shuffle_mixer": {"kernel": 3}}, 32, 20_496),  # five are 102 of the 113 of its tiny one
        ("spab", 28, 3 * 7_084),
        ("naf", 64, 30_784),
        ("feature_mixing", 36, 27_864),  # eight are 223 of the 240 thousand of SAFMN at x4
        ({"window_attention": {"depth": 6, "heads": 6}}, 60, 217_320),
    ],
    ids=str,
)
def test_counts_are_those_of_the_published_networks(
    unit: Any, channels: int, parameters: int
) -> None:
    assert sum(p.numel() for p in fused(built(unit, channels)).parameters()) == parameters


@pytest.mark.parametrize("name", ["dense", "window_attention"])
def test_a_zero_last_convolution_leaves_the_shortcut(name: str) -> None:
    unit = built(name, 8)
    for p in list(unit.parameters())[-2:]:
        nn.init.zeros_(p)
    x, other = torch.rand(2, 1, 8, 5, 5)
    assert torch.equal(unit(x, other), other)


def test_three_dense_units_that_change_nothing_are_added_as_a_fifth() -> None:
    unit = built("rrdb", 8)
    for p in unit.parameters():
        nn.init.zeros_(p)
    x, other = torch.rand(2, 1, 8, 5, 5)
    assert torch.allclose(unit(x, other), 0.2 * x + other)


def test_a_dense_convolution_sees_the_input_and_all_before_it() -> None:
    convs = [m for m in built({"dense": {"growth": 3}}, 4).modules() if isinstance(m, nn.Conv2d)]
    assert [conv.in_channels for conv in convs] == [4, 7, 10, 13, 16]


def test_shuffle_mixing_is_of_half_the_channels_and_then_of_places() -> None:
    mixer, x = SplitMixer(nn.Identity(), nn.ReLU(), 4), torch.randn(1, 16, 3, 3)
    half = torch.cat([x[:, :8].relu(), x[:, 8:]], 1)
    assert torch.equal(mixer(x), x + F.channel_shuffle(half, 4))


@pytest.mark.parametrize("rate", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_conv3xc_is_one_convolution(kernel: int, rate: int) -> None:
    conv, x = Conv3XC(4, 6, kernel, rate, 2), torch.randn(1, 4, 9, 1)
    one: Any = fused(conv)
    assert (one.kernel_size, one.groups, one.bias is None) == ((kernel, kernel), 2, False)
    assert torch.allclose(one(x), conv(x), atol=1e-5)


def test_a_naf_unit_is_nothing_at_first_and_then_products_of_halves() -> None:
    unit, x, other = built("naf", 4), *torch.randn(2, 1, 4, 5, 5)
    assert torch.equal(unit(x, other), other)
    gate: Any = next(m for m in unit.modules() if isinstance(m, SimpleGate))
    assert torch.equal(gate(x), x[:, :2] * x[:, 2:])


def test_where_spab_computes_zero_it_lets_nothing_through() -> None:
    unit: Any = built({"spab": {"convolution": "plain"}}, 4)
    nn.init.zeros_(unit.conv3.weight)
    nn.init.zeros_(unit.conv3.bias)
    x = torch.randn(1, 4, 5, 5)
    assert not unit(x).any()
    nn.init.constant_(unit.conv3.bias, 2.0)  # an odd gate: -2 opens it as far, the other way
    gate = torch.tensor(2.0).sigmoid() - 0.5
    assert torch.allclose(unit(x), (x + 2) * gate)
    nn.init.constant_(unit.conv3.bias, -2.0)
    assert torch.allclose(unit(x), (2 - x) * gate, atol=1e-6)


def seen_from_every_pixel(layer: SwinLayer, x: Tensor) -> Tensor:
    """A layer as its definition has it: all pairs of pixels, those of other windows left out."""
    _, height, width, channels = x.shape
    y, across = (at.flatten() for at in torch.meshgrid(
        torch.arange(height), torch.arange(width), indexing="ij"
    ))  # fmt: skip
    heads, side = layer.attend.heads, layer.window
    window = (y - layer.shift) // side * 100 + (across - layer.shift) // side
    place = (y[:, None] - y + side - 1) * (2 * side - 1) + across[:, None] - across + side - 1
    together = window[:, None] == window
    bias = layer.attend.table[place.where(together, torch.tensor(0))].permute(2, 0, 1)
    q, k, v = (
        layer.attend.qkv(layer.norm1(x)).view(-1, 3, heads, channels // heads).permute(1, 2, 0, 3)
    )
    scores = q @ k.mT / (channels // heads) ** 0.5 + bias
    seen = scores.where(together, torch.tensor(-torch.inf)).softmax(-1) @ v
    x = x + layer.attend.project(seen.transpose(0, 1).flatten(1)).view(x.shape)
    return x + layer.mix(layer.norm2(x))


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 4), (9, 11)])
@torch.no_grad()
def test_a_pixel_sees_its_window_alone_at_every_size(size: tuple[int, int]) -> None:
    unit: Any = built({"window_attention": {"window": 4, "heads": 2, "depth": 2}}, 6)
    for p in unit.parameters():
        p.copy_(torch.randn(p.shape) / 3)
    x = torch.randn(1, 6, *size)
    y = x.permute(0, 2, 3, 1)
    for layer in unit.layers.values():
        y = seen_from_every_pixel(layer, y)
    assert torch.allclose(unit(x), unit.conv(y.permute(0, 3, 1, 2)) + x, atol=1e-4)
