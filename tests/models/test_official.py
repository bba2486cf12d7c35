"""CARN, CARN-M and PAN as their authors built them: counts, names, and what weights must fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.weights_fill import fill, fits
from srbench.measure.cost import Cost, cost, dead_parameters

slots.load()
SHIFTS = 24  # frozen parameters of the two mean shifts
MULTI = {"scales": [2, 3, 4]}


def costed(model: Any, scale: int) -> Cost:
    return cost(slots.model.parse(model).build(), scale)


def built(model: Any, scale: int = 2) -> nn.Module:
    net: nn.Module = slots.model.parse(model).build()(scale)
    return net


@pytest.mark.parametrize(
    ("model", "scale", "parameters", "giga_macs_720p"),
    [
        ("carn_official", 2, 964_163 + SHIFTS, 222.83),
        ("carn_official", 3, 1_148_803 + SHIFTS, 118.80),
        ("carn_official", 4, 1_111_875 + SHIFTS, 90.88),
        ({"carn_official": MULTI}, 2, 1_591_939 + SHIFTS, 222.83),
        ({"carn_official": MULTI}, 3, 1_591_939 + SHIFTS, 118.80),
        ({"carn_official": MULTI}, 4, 1_591_939 + SHIFTS, 90.88),
        ("carn_m", 2, 257_027 + SHIFTS, 91.18),
        ("carn_m", 3, 303_427 + SHIFTS, 46.13),
        ("carn_m", 4, 294_147 + SHIFTS, 32.49),
        ({"carn_m": MULTI}, 2, 414_811, 91.18),
        ({"carn_m": MULTI}, 4, 414_811, 32.49),
        ("pan", 2, 261_403, 70.52),
        ("pan", 3, 261_403, 39.05),
        ("pan", 4, 272_419, 28.16),
    ],
)
def test_counts_are_the_published(
    model: Any, scale: int, parameters: int, giga_macs_720p: float
) -> None:
    found = costed(model, scale)
    assert found.parameters == parameters
    assert round(found.macs_720p / 1e9, 2) == giga_macs_720p
    assert found.frozen == (0 if model == "pan" else SHIFTS)


def test_nothing_is_dead_at_one_scale_and_the_other_upsamplers_are_with_several() -> None:
    assert dead_parameters(built("carn_m")) == dead_parameters(built("pan", 4)) == ()
    assert costed({"carn_m": MULTI}, 2).dead_modules == ("upsampler.x3", "upsampler.x4")


def test_a_shared_unit_is_one_module_used_three_times() -> None:
    net = built("carn_m")
    units = [name for name, _ in net.named_modules() if name.endswith(("unit_1", "unit_2"))]
    assert units == [f"body.stages.block_{b}.stages.unit_1" for b in (1, 2, 3)]


def test_what_several_scales_share_is_one_body() -> None:
    net: Any = built({"carn_m": MULTI}, 2)
    x = torch.rand(1, 3, 5, 6)
    sizes = []
    for net.scale in (2, 3, 4):
        sizes.append(tuple(net(x).shape[2:]))
    assert sizes == [(10, 12), (15, 18), (20, 24)]


def test_a_scale_that_is_not_built_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x4 is not one of the scales \[2, 3\]"):
        built({"carn_m": {"scales": [2, 3]}}, 4)


def test_the_mean_colour_goes_off_and_comes_back() -> None:
    net: Any = built({"carn": {"channels": 4, "mean_shift": [0.4, 0.5, 0.6]}})
    x = torch.rand(1, 3, 4, 5)
    colour = torch.tensor([0.4, 0.5, 0.6])[:, None, None]
    assert torch.allclose(net.sub_mean(x), x - colour)
    assert torch.allclose(net.add_mean(x), x + colour)
    with pytest.raises(ValueError, match="a mean colour has 3 numbers"):
        built({"carn": {"mean_shift": [0.5]}})


def test_the_authors_multi_scale_file_gives_one_scale_its_share() -> None:
    whole = {"upsample.up2.body.0.weight", "upsample.up4.body.3.bias", "b2.c3.body.0.bias"}
    named = {name: built("carn_m", 4).own_name(name) for name in whole}  # type: ignore[operator]
    assert named == {
        "upsample.up2.body.0.weight": None,
        "upsample.up4.body.3.bias": "upsampler.conv2.bias",
        "b2.c3.body.0.bias": "body.stages.block_2.fuses.fuse_3.conv.bias",
    }


def test_our_own_names_fit_too_and_half_precision_is_read() -> None:
    net, other = built("pan"), built("pan")
    halves = {name: tensor.half() for name, tensor in net.state_dict().items()}
    fill(other, halves, "mine.pth", "pan at x2")
    assert all(torch.equal(other.state_dict()[name], half.float()) for name, half in halves.items())


def changed(**change: torch.Tensor | None) -> dict[str, torch.Tensor]:
    state = {**built("pan").state_dict(), **change}
    return {name: tensor for name, tensor in state.items() if tensor is not None}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"entry.bias": None}, "1 tensor missing (entry.bias)"),
        ({"b": torch.ones(1)}, "1 tensor left over (b)"),
        ({"entry.bias": torch.ones(7)}, "entry.bias is 7, expected 40"),
        ({"entry.bias": torch.ones(40, dtype=torch.int64)}, "entry.bias holds int64"),
        ({"entry.bias": torch.full((40,), torch.nan)}, "'entry.bias' holds NaN or infinity"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(change: dict[str, Any], says: str) -> None:
    net = built("pan")
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    with pytest.raises(UserError) as refusal:
        fill(net, changed(**change), "mine.pth", "pan at x2")
    assert str(refusal.value).startswith("mine.pth: ")
    assert says in str(refusal.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_fits_says_the_same_without_memory() -> None:
    with torch.device("meta"):
        shapes = built("pan")
    assert fits(shapes, changed())
    assert not fits(shapes, changed(**{"entry.bias": torch.ones(7)}))
