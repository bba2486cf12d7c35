"""Initial weights depend on the seed and on the names of modules, and on nothing else."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.train.initialise import initialise

slots.load()


def net(*names: str) -> nn.Module:
    return nn.Sequential(OrderedDict((name, nn.Conv2d(4, 4, 3)) for name in names))


def weights(module: nn.Module, streams: Streams) -> dict[str, torch.Tensor]:
    initialise(module, streams)
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def test_a_modules_weights_do_not_depend_on_its_neighbours() -> None:
    one, other = weights(net("a", "b"), Streams(0)), weights(net("c", "b", "a"), Streams(0))
    assert all(torch.equal(p, other[name]) for name, p in one.items())


def test_two_places_start_differently() -> None:
    found = weights(net("a", "b"), Streams(0))
    assert not torch.equal(found["a.weight"], found["b.weight"])


@pytest.mark.parametrize("other", [Streams(1), Streams(0, "control")])
def test_another_seed_or_salt_starts_differently(other: Streams) -> None:
    one, two = weights(net("a"), Streams(0)), weights(net("a"), other)
    assert not any(torch.equal(p, two[name]) for name, p in one.items())


def test_other_draws_neither_matter_nor_are_disturbed() -> None:
    module = net("a")
    torch.manual_seed(1)
    first, after = weights(module, Streams(0)), torch.rand(1)
    torch.manual_seed(1)
    assert torch.rand(1) == after
    assert all(torch.equal(p, first[n]) for n, p in weights(module, Streams(0)).items())


def test_the_distribution_is_torchs_own() -> None:
    found = weights(nn.Conv2d(64, 64, 3), Streams(0))["weight"]
    bound = (64 * 9) ** -0.5
    assert found.abs().max() <= bound
    assert found.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)


def test_a_module_used_twice_is_drawn_once() -> None:
    shared = nn.Conv2d(4, 4, 3)
    twice = nn.Sequential(OrderedDict(a=shared, b=shared))
    assert torch.equal(
        weights(twice, Streams(0))["a.weight"], weights(net("a"), Streams(0))["a.weight"]
    )


def test_a_parameter_that_nothing_initialises_is_named() -> None:
    module = nn.Module()
    module.inner = nn.Module()
    module.inner.gain = nn.Parameter(torch.ones(1))
    with pytest.raises(TypeError, match="Module at inner owns gain without a reset_parameters"):
        initialise(module, Streams(0))


def test_a_study_chooses_how_weights_are_drawn() -> None:
    net = slots.model.parse("basic").build()(2)
    initialise(net, Streams(0))
    biases = {n: p.clone() for n, p in net.named_parameters() if n.endswith("bias")}
    initialise(net, Streams(0), slots.initialisation.parse({"normal": {"std": 0.05}}).build())
    weights = [p.detach() for p in net.parameters() if p.dim() == 4]
    assert all(abs(float(w.std()) - 0.05) < 0.003 for w in weights)
    assert all(torch.equal(p, biases[n]) for n, p in net.named_parameters() if n in biases)
