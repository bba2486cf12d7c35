"""Units: what they count, what is dilated, and what is added."""

from __future__ import annotations

from typing import Any

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


def built(written: Any, channels: int = 12) -> torch.nn.Module:
    unit: torch.nn.Module = slots.unit.parse(written).build()(channels, 1, LAYERS)
    return unit


def size(inputs: int, outputs: int, kernel: int) -> int:
    return (inputs * kernel**2 + 1) * outputs


C = 12
PAIR, JOIN = 2 * size(C, C, 3), size(C, C, 1)
NARROW = size(C, 16, 1) + size(16, 16, 1) + 2 * size(16, 16, 3) + size(16, C, 1)  # RLFN's ESA
WIDE = size(C, 3, 1) + size(3, 3, 1) + 4 * size(3, 3, 3) + size(3, C, 1)  # RFDN's ESA


@pytest.mark.parametrize(
    ("written", "parameters"),
    [
        ("edsr", PAIR),
        ({"edsr": {"attention": "pixel"}}, PAIR + JOIN),
        ({"rcab": {"reduction": 4}}, PAIR + size(C, 3, 1) + size(3, C, 1)),
        (
            {"information_distillation": {"attention": "none"}},
            size(C, C, 3) + 2 * size(9, C, 3) + size(9, 3, 3) + JOIN,
        ),
        (
            {"information_distillation": {"attention": "none", "distilled": 0.5}},
            size(C, C, 3) + 2 * size(6, C, 3) + size(6, 6, 3) + size(24, C, 1),
        ),
        (
            "residual_feature_distillation",
            3 * size(C, 6, 1) + 3 * size(C, C, 3) + size(C, 6, 3) + size(24, C, 1) + WIDE,
        ),
        ("residual_local_feature", 3 * size(C, C, 3) + JOIN + NARROW),
        (
            {"residual_local_feature": {"attention": "none", "middle": 5}},
            size(C, 5, 3) + size(5, 5, 3) + size(5, C, 3) + JOIN,
        ),
    ],
)
def test_parameters_by_hand(written: Any, parameters: int) -> None:
    assert sum(p.numel() for p in built(written).parameters()) == parameters


def test_rcab_is_edsrs_unit_with_its_attention() -> None:
    """One name for each weight, so initial weights are the same, and the outputs are."""
    rcab, edsr = built("rcab"), built({"edsr": {"attention": "rcan_channel"}})
    edsr.load_state_dict(rcab.state_dict())
    x = torch.rand(1, C, 5, 6)
    assert torch.equal(rcab(x), edsr(x))


def test_a_residual_branch_is_scaled_before_the_sum() -> None:
    one, tenth = built("edsr"), built({"edsr": {"residual_scale": 0.1}})
    tenth.load_state_dict(one.state_dict())
    x = torch.rand(1, C, 5, 6)
    assert torch.allclose(tenth(x) - x, 0.1 * (one(x) - x), atol=1e-6)


def test_what_the_first_step_sets_aside_reaches_the_end_through_the_join_alone() -> None:
    """Without the later steps' columns of the 1x1 convolution, their weights do not matter."""
    unit: Any = built({"information_distillation": {"attention": "none"}})
    x = torch.rand(1, C, 5, 6)
    with torch.no_grad():
        unit.fuse.weight[:, 3:] = 0
        before = unit(x)
        unit.refine.step_2.conv.weight.add_(1)
        assert torch.equal(unit(x), before)
        unit.refine.step_1.conv.weight.add_(1)
        assert not torch.equal(unit(x), before)


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_a_share_that_leaves_nothing_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="of 12 channels"):
        built({"information_distillation": {"distilled": share}})
