"""The residual unit: what is dilated, and what is added."""

from __future__ import annotations

import pytest
import torch

from srbench.blocks.units import ResidualUnit
from srbench.core import slots
from srbench.core.layers import Layers

slots.load()
LAYERS = Layers(slots.convolution.parse("plain").build(), slots.activation.parse("relu").build())


@pytest.mark.parametrize(("dilated", "rates"), [("both", [3, 3]), ("first", [3, 1])])
def test_both_convolutions_are_dilated_or_the_first(dilated: str, rates: list[int]) -> None:
    unit = slots.unit.parse({"residual": {"dilated": dilated}}).build()(4, 3, LAYERS)
    convs = [m for m in unit.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [conv.dilation[0] for conv in convs] == rates


def test_a_unit_adds_its_shortcut_or_else_its_input() -> None:
    unit = ResidualUnit(4, 1, LAYERS)
    for p in unit.parameters():
        torch.nn.init.zeros_(p)
    x, other = torch.rand(2, 1, 4, 5, 5)
    assert torch.equal(unit(x.clone()), x)
    assert torch.equal(unit(x.clone(), other), other)


def test_nothing_that_is_needed_later_is_overwritten_in_place() -> None:
    unit, x = ResidualUnit(4, 1, LAYERS), torch.randn(1, 4, 5, 5)
    kept = x.clone()
    unit(x, x)
    assert torch.equal(x, kept)
