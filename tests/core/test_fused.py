"""Re-parameterised modules: replaced in a copy, wherever they stand."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import torch
from torch import Tensor, nn

from srbench.core.fused import equal_convolution, fused
from srbench.measure.cost import cost


class Branches(nn.Module):
    """A 3x3 and a 1x1 convolution side by side: 93 parameters, fused 84."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 3, 3, padding=1)
        self.narrow = nn.Conv2d(3, 3, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.wide(x) + self.narrow(x)
        return y

    def fused(self) -> nn.Module:
        return equal_convolution(self, 3, 3)


class Inside(nn.Module):
    """A network whose submodule has the name of the method."""

    def __init__(self) -> None:
        super().__init__()
        self.fused = nn.Conv2d(3, 3, 1)


def test_a_network_without_branches_is_itself() -> None:
    for net in (nn.Conv2d(3, 3, 3), nn.Sequential(nn.ReLU()), Inside()):
        assert fused(net) is net


def test_a_copy_is_fused_and_the_network_stays_as_it_was() -> None:
    net = nn.Sequential(OrderedDict(a=Branches(), act=nn.ReLU(), b=Branches()))
    before, x = net.state_dict(), torch.rand(1, 3, 5, 1)
    slim = fused(net)
    assert torch.allclose(slim(x), net(x), atol=1e-6)
    assert list(slim.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias"]
    assert net.state_dict().keys() == before.keys()


def test_a_module_used_twice_is_fused_once() -> None:
    one = Branches()
    slim = fused(nn.Sequential(OrderedDict(a=one, b=one)))
    assert slim.get_submodule("a") is slim.get_submodule("b")
    conv = fused(one)
    assert isinstance(conv, nn.Conv2d)
    assert all(p.is_contiguous() and p.requires_grad for p in conv.parameters())


def test_cost_is_that_of_the_fused_network_but_for_a_step() -> None:
    slim, plain = (cost(build, 1) for build in (lambda _: Branches(), lambda _: fused(Branches())))
    assert replace(slim, training_macs_256=plain.macs_256) == plain
    assert slim.training_macs_per_lr_pixel == 81 + 9
    assert (slim.parameters, slim.macs_256, slim.receptive_field) == (84, 81 * 256**2, 3)
