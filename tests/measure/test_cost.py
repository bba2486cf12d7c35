"""Cost by construction: wirings whose dead ends are known, fields of view counted by hand."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from srbench.core import slots
from srbench.measure.cost import check_shape, cost, count_macs, dead_parameters, receptive_field

slots.load()
Edges = list[list[int]]


class Graph(nn.Module):
    """Node k adds up some earlier nodes and convolves; node 0 is the image, the last one the SR.

    Where `frozen`, a node's weights need no gradient; where `cut`, its output is detached.
    """

    def __init__(self, inputs: Edges, frozen: set[int], cut: set[int], zero: set[int]) -> None:
        super().__init__()
        self.inputs, self.cut = inputs, cut
        self.nodes = nn.ModuleDict(
            {f"node_{k}": nn.Conv2d(3, 3, 3, padding=1) for k in range(1, len(inputs) + 1)}
        )
        for k in frozen:
            self.nodes[f"node_{k}"].requires_grad_(False)
        for k in zero:
            nn.init.zeros_(self.nodes[f"node_{k}"].get_parameter("weight"))

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for k, sources in enumerate(self.inputs, 1):
            y = self.nodes[f"node_{k}"](torch.stack([values[s] for s in sources]).sum(0))
            values.append(y.detach() if k in self.cut else y)
        return values[-1]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, set[int]]:
    """A random wiring, and the nodes that a gradient from the output does reach."""
    size = draw(st.integers(1, 8))
    inputs = [
        draw(st.lists(st.integers(0, k - 1), min_size=1, max_size=3, unique=True))
        for k in range(1, size + 1)
    ]
    some = st.sets(st.integers(1, size), max_size=2)
    frozen, cut, zero = draw(some), draw(some), draw(some)
    live, todo = set(), [] if size in cut else [size]
    while todo:
        k = todo.pop()
        live.add(k)
        todo += [s for s in inputs[k - 1] if s and s not in live and s not in cut]
    return Graph(inputs, frozen, cut, zero), live - frozen


@settings(max_examples=60)
@given(graphs())
def test_dead_is_what_no_gradient_reaches_in_any_wiring(found: tuple[Graph, set[int]]) -> None:
    net, live = found
    expected = {
        f"nodes.node_{k}.{name}"
        for k in range(1, len(net.inputs) + 1)
        for name in ("weight", "bias")
        if k not in live and net.nodes[f"node_{k}"].get_parameter("weight").requires_grad
    }
    assert set(dead_parameters(net)) == expected
    assert all(p.grad is None for p in net.parameters())


def test_a_gradient_that_is_zero_is_not_dead() -> None:
    net = Graph([[0], [1]], set(), set(), zero={2})
    assert dead_parameters(net) == ()


def test_frozen_is_neither_trainable_nor_dead() -> None:
    found = cost(lambda scale: Graph([[0], [1], [1]], {1}, set(), set()), 1)
    assert (found.parameters, found.frozen, found.dead) == (3 * 84, 84, 84)
    assert found.dead_modules == ("nodes.node_2",)


def test_a_module_that_is_dead_in_part_is_named_by_its_parameters() -> None:
    class Half(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002, torch's name
            return nn.functional.conv2d(input, self.weight, None, padding=1)

    assert cost(lambda scale: Half(3, 3, 3), 1).dead_modules == ("bias",)


def chain(**layers: nn.Module) -> nn.Module:
    return nn.Sequential(OrderedDict(layers))


def conv(kernel: int, rate: int = 1, outputs: int = 3) -> nn.Conv2d:
    return nn.Conv2d(3, outputs, kernel, padding=rate * (kernel // 2), dilation=rate)


@pytest.mark.parametrize(
    ("net", "side"),
    [
        (chain(a=conv(1)), 1),
        (chain(a=conv(3)), 3),
        (chain(a=conv(3), b=conv(5)), 7),
        (chain(a=conv(3, rate=4)), 9),
        (chain(a=conv(3, rate=4), r=nn.ReLU(), b=conv(3, rate=2), c=conv(3)), 15),
        (chain(**{f"c{i}": conv(3) for i in range(60)}), 121),
        (chain(a=conv(3, outputs=12), up=nn.PixelShuffle(2)), 3),
        (chain(a=conv(3), gate=nn.Sigmoid(), b=conv(3)), 5),
        (chain(a=nn.Conv2d(3, 3, (3, 7), padding=(1, 3))), 7),
        (chain(a=nn.Conv2d(3, 3, (7, 3), padding=(3, 1))), 7),
        (chain(a=nn.AdaptiveAvgPool2d(1), b=nn.Upsample(size=(8, 8))), None),
    ],
)
def test_the_receptive_field_is_what_a_hand_count_gives(net: nn.Module, side: int | None) -> None:
    before = {name: p.clone() for name, p in net.named_parameters()}
    assert receptive_field(net) == side
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())


def of_carn(**change: Any) -> int | None:
    return receptive_field(slots.model.parse({"carn": {"channels": 8} | change}).build()(2))


@pytest.mark.parametrize(
    ("change", "side"),
    [
        ({}, 42),  # entry, 18 in units, upsampler: 41 LR pixels; the exit adds half a window
        ({"channels": 2}, 42),
        ({"units": 1, "blocks": 1}, 10),
        ({"rates": [1, 2, 1]}, 54),
        ({"unit": {"residual": {"dilated": "first"}}, "rates": [1, 2, 1]}, 48),
        ({"blocks": 5, "units": 5}, 106),
        ({"attention": "pixel"}, 42),
        ({"attention": {"scse": {"branches": "spatial"}}}, 42),
        ({"attention": "se"}, None),
        ({"attention": "scse", "blocks": 5, "units": 5}, None),
        ({"skip": "bilinear"}, 42),
    ],
)
def test_the_receptive_field_of_carn(change: dict[str, Any], side: int | None) -> None:
    assert of_carn(**change) == side


@pytest.mark.parametrize(
    ("net", "macs", "activations"),
    [
        (chain(a=conv(3)), 3 * 3 * 9 * 64, 3 * 64),
        (chain(a=nn.Conv2d(3, 6, 3, padding=1, groups=3)), 6 * 9 * 64, 6 * 64),
        (chain(a=nn.Conv2d(3, 3, 3, stride=2, padding=1)), 3 * 3 * 9 * 16, 3 * 16),
        (chain(a=nn.ConvTranspose2d(3, 2, 2, stride=2)), 3 * 2 * 4 * 64, 2 * 256),
        (chain(a=nn.Flatten(), b=nn.Linear(3 * 64, 5)), 3 * 64 * 5, 0),
    ],
)
def test_macs_by_hand(net: nn.Module, macs: int, activations: int) -> None:
    assert count_macs(net.to("meta"), 8)[:2] == (macs, activations)


def test_what_is_not_counted_is_named() -> None:
    net = chain(a=conv(3), b=nn.Softmax(1), c=nn.PixelShuffle(1))
    assert count_macs(net.to("meta"), 8)[2] == ("_softmax", "pixel_shuffle")


def test_a_network_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x2 of a 6x8 image is \(1, 3, 6, 8\), not \(1, 3, 12, 1"):
        check_shape(conv(3), 2)


@pytest.mark.parametrize(
    "change", [{}, {"attention": "scse"}, {"convolution": {"grouped": {"into": 4}}}]
)
def test_macs_agree_with_torch(change: dict[str, Any]) -> None:
    net = slots.model.parse({"carn": change}).build()(2).to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as flops:
        net(torch.empty(1, 3, 32, 32, device="meta"))
    by_operation = flops.get_flop_counts()["Global"]
    total = sum(n for operation, n in by_operation.items() if "bmm" not in str(operation))
    assert count_macs(net, 32)[0] == total // 2
