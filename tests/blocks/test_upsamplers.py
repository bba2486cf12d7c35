"""Upsamplers: which steps reach which scale, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from srbench.blocks.upsamplers import factors
from srbench.core import slots
from srbench.core.layers import Layers

slots.load()
LAYERS = Layers(slots.convolution.parse("plain").build(), slots.activation.parse("relu").build())


@pytest.mark.parametrize(
    ("scale", "steps"), [(1, ()), (2, (2,)), (3, (3,)), (4, (2, 2)), (8, (2, 2, 2))]
)
def test_a_scale_is_reached_by_twos_or_one_three(scale: int, steps: tuple[int, ...]) -> None:
    assert factors(scale) == steps


@pytest.mark.parametrize("scale", [-2, 0, 5, 6, 7, 9, 12])
def test_other_scales_are_refused(scale: int) -> None:
    with pytest.raises(ValueError, match=f"scale {scale} is not 1, 2, 3, 4 or 8"):
        factors(scale)


def built(written: Any, scale: int) -> nn.Module:
    module: nn.Module = slots.upsampler.parse(written).build()(8, scale, LAYERS)
    return module


@pytest.mark.parametrize(
    ("written", "scale", "parameters"),
    [
        ("pixel_shuffle", 2, (8 * 9 + 1) * 32),
        ("pixel_shuffle", 3, (8 * 9 + 1) * 72),
        ("pixel_shuffle", 4, 2 * (8 * 9 + 1) * 32),
        ({"pixel_shuffle": {"groups": 4}}, 2, (2 * 9 + 1) * 32),
        ({"pixel_shuffle": {"rate": 3}}, 2, (8 * 9 + 1) * 32),
        ("nearest", 2, (8 * 9 + 1) * 8),
        ("nearest", 3, (8 * 9 + 1) * 8),
        ("nearest", 4, 2 * (8 * 9 + 1) * 8),
    ],
)
def test_parameters_by_hand(written: object, scale: int, parameters: int) -> None:
    assert sum(p.numel() for p in built(written, scale).parameters()) == parameters


@pytest.mark.parametrize("name", sorted(slots.upsampler.parts))
def test_scale_8_and_scale_1_keep_the_promise_too(name: str) -> None:
    x = torch.rand(1, 8, 3, 4)
    assert built(name, 8)(x).shape == (1, 8, 24, 32)
    assert built(name, 1)(x).shape == x.shape


def test_the_rate_reaches_the_convolution() -> None:
    conv = built({"pixel_shuffle": {"rate": 3}}, 2).get_submodule("conv1")
    assert conv.dilation == (3, 3)
