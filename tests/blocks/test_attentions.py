"""Attentions by hand: what weighs what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from srbench.blocks.pooling import even_maxima, window_maxima
from srbench.core import slots

slots.load()


def built(name: str, channels: int = 8, **settings: Any) -> nn.Module:
    module: nn.Module = slots.attention.parse({name: settings}).build()(channels)
    return module


def test_scse_is_the_sum_of_its_branches_by_hand() -> None:
    attention, x = built("scse", 8), torch.rand(2, 8, 3, 4)
    w = dict(attention.named_parameters())
    hidden = (x.mean((2, 3)) @ w["channel.squeeze.weight"].T + w["channel.squeeze.bias"]).relu()
    per_channel = (hidden @ w["channel.excite.weight"].T + w["channel.excite.bias"]).sigmoid()
    per_pixel = torch.einsum("nchw,c->nhw", x, w["spatial.weight"].flatten()).sigmoid()
    expected = x * per_channel[:, :, None, None] + x * per_pixel[:, None]
    assert torch.allclose(attention(x), expected, atol=1e-6)


def test_scse_is_its_two_halves_added() -> None:
    both = built("scse")
    halves = [built("scse", branches=branch) for branch in ("channel", "spatial")]
    for half in halves:
        half.load_state_dict(both.state_dict(), strict=False)
    x = torch.rand(1, 8, 5, 5)
    assert torch.allclose(both(x), halves[0](x) + halves[1](x), atol=1e-6)


def test_se_is_the_channel_branch_of_scse() -> None:
    se, channel = built("se"), built("scse", branches="channel")
    channel.load_state_dict(
        {k.replace("weigh.", "channel."): v for k, v in se.state_dict().items()}
    )
    x = torch.rand(1, 8, 5, 5)
    assert torch.allclose(se(x), channel(x))


@pytest.mark.parametrize(
    ("channels", "settings", "nodes"),
    [
        (64, {}, 4), (32, {}, 4), (128, {}, 8), (64, {"least_nodes": 64}, 64),
        (64, {"reduction": 8}, 8),
    ],
)  # fmt: skip
def test_hidden_nodes_are_a_share_of_the_channels_and_four_at_least(
    channels: int, settings: dict[str, int], nodes: int
) -> None:
    for name, path in (("scse", "channel"), ("se", "weigh")):
        weight = built(name, channels, **settings).get_parameter(f"{path}.squeeze.weight")
        assert weight.shape == (nodes, channels)


COUNTS: dict[str, Callable[[int], int]] = {  # of c channels
    "none": lambda c: 0,
    "se": lambda c: 2 * c * 4 + 4 + c,
    "scse": lambda c: 2 * c * 4 + 4 + c + c,
    "eca": lambda c: 3,
    "pixel": lambda c: c * c + c,
    "cbam": lambda c: 2 * c * 4 + 4 + c + 2 * 49,
    "rcan_channel": lambda c: 2 * c * (c // 16) + c // 16 + c,
    "contrast_aware": lambda c: 2 * c * (c // 16) + c // 16 + c,
    "simplified_channel": lambda c: c * c + c,
    "esa": lambda c: 37 * (c // 4) ** 2 + 2 * c * (c // 4) + 6 * (c // 4) + c,
    "esa_light": lambda c: 19 * 16**2 + 2 * c * 16 + 4 * 16 + c,
    "large_kernel": lambda c: 26 * c + 50 * c + c * c + c,
    "multi_scale_large_kernel": lambda c: (
        (10 + 26 + 10 + 26 + 50 + 26 + 50 + 82 + 50) * (c // 3) + 3 * ((c // 3) ** 2 + c // 3)
    ),
    "safm": lambda c: 10 * c + c * c + c,
}


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_those_of_the_formula(name: str) -> None:
    assert sum(p.numel() for p in built(name, 48).parameters()) == COUNTS[name](48)


ALL = sorted(set(slots.attention.parts) - {"none"})
UNBOUNDED = {"simplified_channel", "large_kernel", "multi_scale_large_kernel", "safm"}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (14, 1), (15, 17)])
def test_an_attention_only_scales_what_is_there(name: str, size: tuple[int, int]) -> None:
    x = torch.rand(1, 8, *size)
    x[:, 3] = 0
    y = built(name)(x)
    assert y.shape == x.shape
    assert (y[:, 3] == 0).all()
    assert y.isfinite().all()


@pytest.mark.parametrize("name", sorted(set(ALL) - UNBOUNDED))
def test_factors_of_a_sigmoid_are_between_zero_and_one(name: str) -> None:
    x = torch.rand(1, 8, 16, 15) + 1
    factors = built(name)(x) / x
    assert ((factors > 0) & (factors < (2 if name == "scse" else 1))).all()


def test_an_even_eca_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match=r"eca\.kernel 4 is even"):
        built("eca", kernel=4)


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name.removesuffix(".weight"): p for name, p in module.named_parameters()}


def test_cbam_weighs_channels_and_then_positions() -> None:
    attention, x = built("cbam"), torch.rand(1, 8, 9, 7)
    w = weights_of(attention)

    def mlp(of: Tensor) -> Tensor:
        hidden = (of @ w["channel.squeeze"].T + w["channel.squeeze.bias"]).relu()
        return hidden @ w["channel.excite"].T + w["channel.excite.bias"]

    y = x * (mlp(x.mean((2, 3))) + mlp(x.amax((2, 3)))).sigmoid()[..., None, None]
    seen = torch.cat([y.amax(1, keepdim=True), y.mean(1, keepdim=True)], 1)
    expected = y * functional.conv2d(seen, w["spatial"], padding=3).sigmoid()
    assert torch.allclose(attention(x), expected, atol=1e-6)


def test_contrast_is_zero_in_a_flat_image_and_counts_elsewhere() -> None:
    contrast, mean, se = built("contrast_aware", 64), built("rcan_channel", 64), built("se", 64)
    mean.load_state_dict(contrast.state_dict())
    se.load_state_dict({k: v.flatten(2).squeeze() if "weight" in k else v
                        for k, v in contrast.state_dict().items()})  # fmt: skip
    flat, x = torch.rand(1, 64, 1, 1).expand(1, 64, 5, 4), torch.rand(1, 64, 5, 4)
    assert torch.allclose(contrast(flat), mean(flat), atol=1e-5)
    assert not torch.allclose(contrast(x), mean(x), atol=1e-4)
    assert torch.allclose(se(x), mean(x), atol=1e-6)  # with 64 channels both have four nodes
    flat = flat.clone().requires_grad_()
    contrast(flat).sum().backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()


def test_simplified_channel_attention_is_linear_in_the_means() -> None:
    attention, x = built("simplified_channel"), torch.rand(1, 8, 5, 4)
    w = weights_of(attention)
    factors = x.mean((2, 3)) @ w["weigh"][..., 0, 0].T + w["weigh.bias"]
    assert torch.allclose(attention(x), x * factors[..., None, None], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "channel", "side"),
    [
        ("large_kernel", 0, 23),
        ("multi_scale_large_kernel", 0, 11),
        ("multi_scale_large_kernel", 3, 23),
        ("multi_scale_large_kernel", 6, 39),
        ("pixel", 0, 1),
    ],
)
def test_a_large_kernel_sees_a_square_of_its_side(name: str, channel: int, side: int) -> None:
    x = torch.rand(1, 9, 41, 41, requires_grad=True)
    built(name, 9)(x)[0, channel, 20, 20].backward()
    assert x.grad is not None
    seen = (x.grad[0] != 0).any(0)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    assert [int(of.max() - of.min()) + 1 for of in (rows, columns)] == [side, side]


@pytest.mark.parametrize("name", ["esa", "esa_light"])
def test_esa_adds_a_coarse_look_to_a_fine_one(name: str) -> None:
    attention, x = built(name, 16), torch.rand(1, 16, 33, 24)
    w = dict(attention.named_parameters())

    def conv(x: Tensor, path: str, **how: int) -> Tensor:
        return functional.conv2d(x, w[f"{path}.weight"], w[f"{path}.bias"], **how)

    reduced = conv(x, "conv1")
    y = functional.max_pool2d(conv(reduced, "conv2", stride=2), 7, 3)
    assert y.shape[-2:] == (4, 2)
    if name == "esa":
        y = conv(y, "conv_max", padding=1).relu()
        y = conv(conv(y, "conv3", padding=1).relu(), "conv3_", padding=1)
    else:
        y = conv(y, "conv3", padding=1)
    large = functional.interpolate(y, (33, 24), mode="bilinear")
    expected = x * conv(large + conv(reduced, "conv_f"), "conv4").sigmoid()
    assert torch.allclose(attention(x), expected, atol=1e-6)


def test_safm_is_a_gelu_of_what_each_level_sees() -> None:
    attention, x = built("safm"), torch.rand(1, 8, 19, 11)
    w = weights_of(attention)
    seen = []
    for i, part in enumerate(x.chunk(4, 1)):
        small = functional.adaptive_max_pool2d(part, (19 // 2**i, 11 // 2**i))
        kernel, bias = w[f"modulate.level_{i}"], w[f"modulate.level_{i}.bias"]
        y = functional.conv2d(small, kernel, bias, padding=1, groups=2)
        seen.append(functional.interpolate(y, (19, 11), mode="nearest"))
    mixed = functional.conv2d(torch.cat(seen, 1), w["mix"], w["mix.bias"])
    assert torch.allclose(attention(x), x * functional.gelu(mixed), atol=1e-6)


@settings(max_examples=30)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 4))
def test_pooling_without_torchs_is_equal(height: int, width: int, cut: int) -> None:
    x = torch.rand(1, 2, height, width)
    small = max(height // cut, 1), max(width // cut, 1)
    found = even_maxima(even_maxima(x, 2, small[0]), 3, small[1])
    assert torch.equal(found, functional.adaptive_max_pool2d(x, small))
    assert torch.equal(window_maxima(x, small, cut), functional.max_pool2d(x, small, cut))


@pytest.mark.parametrize("name", ["multi_scale_large_kernel", "safm"])
def test_too_few_channels_for_the_groups_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="2 channels"):
        built(name, 2)
