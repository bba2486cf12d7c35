"""Convolutions by counting: taps that lie outside the image, groups, holes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from srbench.core import slots

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
