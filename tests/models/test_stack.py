"""`stack` and the networks that are settings of it: counts, wiring, and their authors' files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from authors_file import File
from torch import Tensor, nn
from torch.nn import functional as F

from srbench.core import slots
from srbench.core.weights_fill import fill
from srbench.measure.cost import cost, dead_parameters

slots.load()
SHIFTS = 24  # frozen parameters of EDSR's two mean shifts


def built(model: Any, scale: int = 2) -> nn.Module:
    net: nn.Module = slots.model.parse(model).build()(scale)
    return net


@pytest.mark.parametrize(
    ("model", "scale", "parameters", "giga_macs_720p"),
    [
        ("stack", 2, 1_369_859, 316.2),
        ("stack", 3, 1_554_499, 160.3),
        ("stack", 4, 1_517_571, 114.2),
        ("edsr", 2, 1_369_859 + SHIFTS, 316.3),
        ("edsr", 3, 1_554_499 + SHIFTS, 160.3),
        ("edsr", 4, 1_517_571 + SHIFTS, 114.2),
    ],
)
def test_counts_are_the_published(
    model: Any, scale: int, parameters: int, giga_macs_720p: float
) -> None:
    found = cost(slots.model.parse(model).build(), scale)
    assert found.parameters == parameters
    assert round(found.macs_720p / 1e9, 1) == giga_macs_720p
    assert (found.dead, found.frozen) == (0, SHIFTS if model == "edsr" else 0)


def test_the_large_edsr_has_the_published_count() -> None:
    large = {"edsr": {"channels": 256, "units": 32, "residual_scale": 0.1}}
    with torch.device("meta"):
        sizes = [sum(p.numel() for p in built(large, scale).parameters()) for scale in (2, 3, 4)]
    assert sizes == [n + SHIFTS for n in (40_729_603, 43_680_003, 43_089_923)]


SMALL = {"channels": 4, "units": 3}


@pytest.mark.parametrize("tail", ["features", "direct"])
@pytest.mark.parametrize("gather", ["last", "all"])
def test_every_unit_is_used_and_a_zero_body_leaves_the_long_skip(tail: str, gather: str) -> None:
    net: Any = built({"stack": {**SMALL, "tail": tail, "gather": gather}}, 3)
    assert dead_parameters(net) == ()
    x = torch.rand(1, 3, 5, 6)
    nn.init.zeros_(net.end.weight)
    nn.init.zeros_(net.end.bias)
    assert torch.equal(net(x), net.exit(net.upsampler(net.entry(x))))


def test_values_inside_have_their_range_and_the_image_comes_back() -> None:
    shift = {"mean_shift": [0.4, 0.5, 0.6], "value_range": 255.0}
    net: Any = built({"stack": {**SMALL, **shift}})
    x, seen = torch.rand(1, 3, 4, 5), []
    net.entry.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    nn.init.zeros_(net.exit.weight)
    nn.init.zeros_(net.exit.bias)
    colour = torch.tensor([0.4, 0.5, 0.6])[:, None, None]
    assert torch.allclose(net(x), colour.expand(1, 3, 8, 10))
    assert torch.allclose(seen[0], 255 * (x - colour), atol=1e-4)


def edsr(file: File, x: Tensor, scale: int, c: int = 64, units: int = 16) -> Tensor:
    x = file.conv("sub_mean", 255 * x, 3, 1)
    head = y = file.conv("head.0", x, c)
    for i in range(units):
        y = y + file.conv(f"body.{i}.body.2", file.conv(f"body.{i}.body.0", y, c).relu(), c)
    y = file.conv(f"body.{units}", y, c) + head
    for place in (0, 2) if scale == 4 else (0,):
        factor = 3 if scale == 3 else 2
        y = F.pixel_shuffle(file.conv(f"tail.0.{place}", y, factor**2 * c), factor)
    return file.conv("add_mean", file.conv("tail.1", y, 3), 3, 1) / 255


OFFICIAL: list[tuple[Any, int, Callable[[File, Tensor, int], Tensor]]] = [
    *(("edsr", scale, edsr) for scale in (2, 3, 4)),
]


@pytest.mark.parametrize(("model", "scale", "theirs"), OFFICIAL)
@torch.no_grad()
def test_with_the_tensors_of_an_authors_file_we_compute_what_they_do(
    model: Any, scale: int, theirs: Callable[[File, Tensor, int], Tensor]
) -> None:
    file, x, net = File(), torch.rand(1, 3, 6, 5), built(model, scale)
    expected = theirs(file, x, scale)
    fill(net, file.tensors, "theirs.pth", f"{model} at x{scale}")
    assert torch.allclose(net(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
