"""Attentions by hand: what weighs what."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

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


@pytest.mark.parametrize(
    ("name", "parameters"), [("none", 0), ("se", 76), ("scse", 84), ("eca", 3), ("pixel", 72)]
)
def test_eight_channels_cost(name: str, parameters: int) -> None:
    assert sum(p.numel() for p in built(name).parameters()) == parameters


@pytest.mark.parametrize("name", sorted(set(slots.attention.parts) - {"none"}))
def test_an_attention_only_scales_what_is_there(name: str) -> None:
    x = torch.rand(1, 8, 5, 5)
    x[:, 3] = 0
    y = built(name)(x)
    assert (y[:, 3] == 0).all()
    assert ((y / x)[:, :3] > 0).all()


def test_an_even_eca_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match=r"eca\.kernel 4 is even"):
        built("eca", kernel=4)
