"""`stack` and the networks that are settings of it: counts, wiring, and their authors' files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from authors_file import File
from torch import Tensor, nn
from torch.nn import functional as F

from srbench.core import slots
from srbench.core.fused import fused
from srbench.core.weights_fill import fill
from srbench.measure.cost import HD_PIXELS, LR_SIDE, count_macs, dead_parameters
from srbench.study.read import read

slots.load()
ABLATIONS = Path(__file__).parents[2] / "ablations"
NTIRE = {"rlfn": {"channels": 46, "units": 4, "unit": {"residual_local_feature": {"middle": 48}}}}
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
        ("imdn", 2, 694_404, 158.8),
        ("imdn", 3, 703_059, 71.4),
        ("imdn", 4, 715_176, 40.9),
        ("rfdn", 4, 433_448, 23.8),
        ("rlfn", 2, 526_856, 115.4),
        ("rlfn", 4, 543_740, 29.8),
        ({"rlfn": {"channels": 48}}, 2, 454_620, 98.8),
        ({"rlfn": {"channels": 48}}, 4, 470_208, 25.6),
    ],
)
def test_counts_are_the_published(
    model: Any, scale: int, parameters: int, giga_macs_720p: float
) -> None:
    with torch.device("meta"):
        net = built(model, scale)
    macs, _, _ = count_macs(net, LR_SIDE)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert round(macs / LR_SIDE**2 * HD_PIXELS / scale**2 / 1e9, 1) == giga_macs_720p


def test_the_challenges_counts_at_256_pixels_are_the_published() -> None:
    """NTIRE 2022: RLFN 0.317 M and 80.05 M activations; RFDN 0.433 M and 112.03 M."""
    for model, parameters, mega_activations in ((NTIRE, 317_218, 80.05), ("rfdn", 433_448, 112.03)):
        with torch.device("meta"):
            net = built(model, 4)
        _, activations, _ = count_macs(net, LR_SIDE)
        assert sum(p.numel() for p in net.parameters()) == parameters
        assert round(activations / 1e6, 2) == mega_activations


def test_the_large_edsr_has_the_published_count() -> None:
    unit = {"edsr": {"residual_scale": 0.1}}
    large = {"edsr": {"channels": 256, "units": 32, "unit": unit}}
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


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.05)


def imdn(file: File, x: Tensor, scale: int, c: int = 64, units: int = 6) -> Tensor:
    head = y = file.conv("fea_conv", x, c)
    outputs, kept = [], c // 4
    for i in range(1, units + 1):
        left, parts = y, []
        for step in (1, 2, 3):
            aside, left = leaky(file.conv(f"IMDB{i}.c{step}", left, c)).split((kept, c - kept), 1)
            parts.append(aside)
        z = torch.cat([*parts, file.conv(f"IMDB{i}.c4", left, kept)], 1)
        pooled = z.mean((2, 3), keepdim=True) + z.std((2, 3), unbiased=False, keepdim=True)
        hidden = file.conv(f"IMDB{i}.cca.conv_du.0", pooled, c // 16, 1).relu()
        z = z * file.conv(f"IMDB{i}.cca.conv_du.2", hidden, c, 1).sigmoid()
        y = y + file.conv(f"IMDB{i}.c5", z, c, 1)
        outputs.append(y)
    y = file.conv("LR_conv", leaky(file.conv("c.0", torch.cat(outputs, 1), c, 1)), c) + head
    return F.pixel_shuffle(file.conv("upsampler.0", y, 3 * scale**2), scale)


def esa(file: File, name: str, x: Tensor, hidden: int, *, three: bool) -> Tensor:
    """RFDN's with three convolutions on the pooled map, or RLFN's with one."""
    narrow = file.conv(f"{name}.conv1", x, hidden, 1)
    small = F.max_pool2d(file.conv(f"{name}.conv2", narrow, hidden, padding=0, stride=2), 7, 3)
    if three:
        small = file.conv(f"{name}.conv_max", small, hidden).relu()
    small = file.conv(f"{name}.conv3", small, hidden)
    if three:
        small = file.conv(f"{name}.conv3_", small.relu(), hidden)
    y = F.interpolate(small, x.shape[2:], mode="bilinear", align_corners=False)
    y = y + file.conv(f"{name}.conv_f", narrow, hidden, 1)
    return x * file.conv(f"{name}.conv4", y, x.shape[1], 1).sigmoid()


def rfdn(file: File, x: Tensor, scale: int, c: int = 50, units: int = 4) -> Tensor:
    head = y = file.conv("fea_conv", 255 * x, c)
    outputs = []
    for i in range(1, units + 1):
        parts = []
        for step in (1, 2, 3):
            parts.append(leaky(file.conv(f"B{i}.c{step}_d", y, c // 2, 1)))
            y = leaky(file.conv(f"B{i}.c{step}_r", y, c) + y)
        parts.append(leaky(file.conv(f"B{i}.c4", y, c // 2)))
        fused = file.conv(f"B{i}.c5", torch.cat(parts, 1), c, 1)
        y = esa(file, f"B{i}.esa", fused, c // 4, three=True)
        outputs.append(y)
    y = file.conv("LR_conv", leaky(file.conv("c.0", torch.cat(outputs, 1), c, 1)), c) + head
    return F.pixel_shuffle(file.conv("upsampler.0", y, 3 * scale**2), scale) / 255


def rlfn(
    file: File, x: Tensor, scale: int, c: int = 52, units: int = 6, middle: int = 52
) -> Tensor:
    head = y = file.conv("conv_1", 255 * x, c)
    for i in range(1, units + 1):
        z = y
        for step, width in ((1, middle), (2, middle), (3, c)):
            z = leaky(file.conv(f"block_{i}.c{step}_r", z, width))
        y = esa(file, f"block_{i}.esa", file.conv(f"block_{i}.c5", z + y, c, 1), 16, three=False)
    y = file.conv("conv_2", y, c) + head
    return F.pixel_shuffle(file.conv("upsampler.0", y, 3 * scale**2), scale) / 255


OFFICIAL: list[tuple[Any, int, Callable[[File, Tensor, int], Tensor]]] = [
    *(("edsr", scale, edsr) for scale in (2, 3, 4)),
    ("imdn", 3, imdn),
    ("rfdn", 4, rfdn),
    ("rlfn", 2, rlfn),
    (NTIRE, 4, partial(rlfn, c=46, units=4, middle=48)),
]


@pytest.mark.parametrize(("model", "scale", "theirs"), OFFICIAL)
@torch.no_grad()
def test_with_the_tensors_of_an_authors_file_we_compute_what_they_do(
    model: Any, scale: int, theirs: Callable[[File, Tensor, int], Tensor]
) -> None:
    file, x, net = File(), torch.rand(1, 3, 19, 17), built(model, scale)
    expected = theirs(file, x, scale)
    fill(net, file.tensors, "theirs.pth", f"{model} at x{scale}")
    assert torch.allclose(net(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_the_study_of_blocks_compares_at_equal_parameters() -> None:
    study = read(ABLATIONS / "blocks.yaml")
    found = {}
    for variant in study.variants:
        if variant.role in ("baseline", "variant"):
            net = fused(variant.tree.model.build()(study.scale))
            found[variant.name] = sum(p.numel() for p in net.parameters())
    own = found[study.baseline]
    assert len(found) > 20
    assert {name: n / own for name, n in found.items() if abs(n / own - 1) > 0.02} == {}
