"""Convolutions by counting: taps that lie outside the image, groups, holes, weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import conv2d

from srbench.core import slots
from srbench.core.fused import fused

slots.load()


def built(written: object, *given: int) -> nn.Conv2d:
    conv: nn.Conv2d = slots.convolution.parse(written).build()(*given)
    return conv


@settings(max_examples=20)
@given(
    st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 3, 5]), st.integers(1, 3),
    st.sampled_from([1, 2]),
)  # fmt: skip
def test_partial_convolution_divides_by_the_share_of_real_pixels(
    height: int, width: int, kernel: int, rate: int, groups: int
) -> None:
    conv = built("partial", 4, 2, kernel, rate, groups)
    x = torch.rand(1, 4, height, width)
    found = conv(x)
    assert conv.bias is not None
    for y0 in range(height):
        for x0 in range(width):
            total, real = torch.zeros(2), 0
            for i in range(kernel):
                for j in range(kernel):
                    y, z = y0 + rate * (i - kernel // 2), x0 + rate * (j - kernel // 2)
                    if 0 <= y < height and 0 <= z < width:
                        real += 1
                        per_group = x[0, :, y, z].view(groups, -1)
                        weight = conv.weight[:, :, i, j].view(groups, -1, per_group.shape[1])
                        total += torch.einsum("goc,gc->go", weight, per_group).flatten()
            expected = total * kernel**2 / real + conv.bias
            assert torch.allclose(found[0, :, y0, x0], expected, atol=1e-5)


def test_partial_convolution_is_plain_where_the_window_is_inside() -> None:
    partial, plain = built("partial", 3, 4, 3, 2, 1), built("plain", 3, 4, 3, 2, 1)
    plain.load_state_dict(partial.state_dict())
    x = torch.rand(1, 3, 12, 12)
    assert torch.allclose(partial(x)[..., 2:-2, 2:-2], plain(x)[..., 2:-2, 2:-2], atol=1e-6)
    assert not torch.allclose(partial(x), plain(x), atol=1e-3)


def test_partial_convolution_keeps_a_flat_image_flat() -> None:
    conv = built("partial", 3, 4, 3, 1, 1)
    nn.init.constant_(conv.weight, 0.1)  # a box: other windows lose taps of other weights
    y = conv(torch.full((1, 3, 6, 5), 0.7))
    assert torch.allclose(y, y[..., :1, :1].expand_as(y), atol=1e-6)


def test_partial_convolution_follows_the_size_of_the_image() -> None:
    conv = built("partial", 3, 4, 3, 1, 1)
    first = conv(torch.ones(1, 3, 6, 5))
    conv(torch.ones(1, 3, 4, 9))
    assert torch.equal(conv(torch.ones(1, 3, 6, 5)), first)


def test_atrous_multiplies_the_rate_of_its_place() -> None:
    conv = built({"atrous": {"dilation": 3}}, 4, 4, 3, 2, 1)
    assert (conv.dilation, conv.padding) == ((6, 6), (6, 6))


@pytest.mark.parametrize(
    ("inputs", "outputs", "groups"), [(8, 8, 4), (8, 12, 4), (3, 8, 1), (8, 3, 1), (6, 6, 1)]
)
def test_grouped_groups_where_channels_divide(inputs: int, outputs: int, groups: int) -> None:
    assert built("grouped", inputs, outputs, 3, 1, 1).groups == groups


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_groups_that_the_place_asks_for_are_kept(groups: int) -> None:
    for written in ("plain", "atrous", "partial"):
        assert built(written, 12, 12, 3, 1, groups).groups == groups


COUNTS: dict[str, Callable[[int, int], int]] = {  # of c channels and g groups, with a 3x3 kernel
    "depthwise_separable": lambda c, g: 9 * c + c * c // g + c,
    "blueprint": lambda c, g: 9 * c + c * c // g + c,
    "blueprint_subspace": lambda c, g: 2 * c * (c // 4) // g + 9 * c + c,
    "partial_channels": lambda c, g: 9 * (c // 4) ** 2 // g + c // 4,
    "shift": lambda c, g: c * c // g + c,
    "edge_oriented": lambda c, g: 32 * c * c // g + 13 * c,
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("groups", [1, 2])
def test_parameters_are_those_of_the_formula(name: str, groups: int) -> None:
    conv = built(name, 32, 32, 3, 1, groups)
    assert sum(p.numel() for p in conv.parameters()) == COUNTS[name](32, groups)


@pytest.mark.parametrize("name", COUNTS)
def test_a_1x1_convolution_stays_plain(name: str) -> None:
    assert type(built(name, 8, 12, 1, 1, 1)) is nn.Conv2d


@pytest.mark.parametrize(
    ("name", "mixes", "spatial"),
    [
        ("blueprint", ["mix"], "blueprints"),
        ("blueprint_subspace", ["mix", "squeeze"], "blueprints"),
        ("depthwise_separable", ["pointwise"], "depthwise"),
    ],
)
def test_a_separated_convolution_is_one_of_products(
    name: str, mixes: list[str], spatial: str
) -> None:
    conv, x = built(name, 6, 10, 3, 2, 1), torch.rand(1, 6, 7, 5)
    w = dict(conv.named_parameters())
    mix = torch.linalg.multi_dot([torch.eye(10), *(w[f"{m}.weight"][..., 0, 0] for m in mixes)])
    each = w[f"{spatial}.weight"]  # of every output, or of every input
    kernel = mix[..., None, None] * (each if len(each) == 10 else each.transpose(0, 1))
    [bias] = (p for path, p in w.items() if path.endswith("bias"))
    assert torch.allclose(conv(x), conv2d(x, kernel, bias, padding=2, dilation=2), atol=1e-6)


@pytest.mark.parametrize(("groups", "convolved"), [(1, 4), (3, 6)])
def test_partial_channels_convolves_a_quarter_and_leaves_the_rest(
    groups: int, convolved: int
) -> None:
    conv, x = built("partial_channels", 15, 15, 3, 1, groups), torch.rand(1, 15, 6, 5)
    y = conv(x)
    assert torch.equal(y[:, convolved:], x[:, convolved:])
    assert (y[:, :convolved] != x[:, :convolved]).all()
    assert type(built("partial_channels", 15, 9, 3, 1, groups)) is nn.Conv2d


@pytest.mark.parametrize(("kernel", "rate", "pixels"), [(3, 1, 1), (3, 2, 2), (7, 1, 3)])
def test_shift_is_a_depthwise_convolution_with_one_hot_kernels(
    kernel: int, rate: int, pixels: int
) -> None:
    conv, x = built("shift", 11, 8, kernel, rate, 1), torch.rand(1, 11, 4, 5)
    kernels = torch.zeros(11, 1, 3, 3)
    taps = [(1, 2), (1, 0), (2, 1), (0, 1)]  # what moves left comes from the right
    for i in range(11):
        row, column = taps[i // 2] if i < 8 else (1, 1)
        kernels[i, 0, row, column] = 1
    moved = conv2d(x, kernels, padding=pixels, dilation=pixels, groups=11)
    assert torch.equal(conv.get_submodule("move")(x), moved)
    assert torch.equal(conv(x), conv.get_submodule("conv")(moved))


def test_edge_oriented_sees_edges_and_is_fused_to_one_3x3() -> None:
    conv = built("edge_oriented", 4, 4, 3, 1, 1)
    for path, p in conv.named_parameters():
        value = 1.0 if path in ("sobel_x.weight", "mix_x.weight") else 0.0
        nn.init.constant_(p, value)
    ramp = torch.arange(6.0).expand(1, 4, 5, 6)  # rising by one from left to right
    inside = conv(ramp)[..., 1:-1, 1:-1]
    assert torch.allclose(inside, torch.tensor(-8.0 * 4))
    slim = fused(conv)
    assert type(slim) is nn.Conv2d
    assert torch.allclose(slim.weight[..., 0, :], torch.tensor([1.0, 0.0, -1.0]), atol=1e-6)
