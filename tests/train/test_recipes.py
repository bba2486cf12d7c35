"""Learners round the supervised step: averaged weights, accumulated gradients, mixup."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.train.initialise import initialise
from srbench.train.learner import Learner
from srbench.train.mixup import Mixup
from srbench.train.settings import training

slots.load()
LR, HR = torch.rand(2, 5, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def learner(written: Any, *, normalised: bool = False) -> Learner:
    train = training.parse({"train": {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.0}}}})
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1)]
    net = nn.Sequential(*(layers if normalised else layers[::2]))
    initialise(net, Streams(0))
    made: Learner = slots.learner.parse(written).build()(net, train.build()(), "fp32", Streams(0))
    return made


def weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_the_average_is_that_of_the_weights_so_far() -> None:
    one = learner({"averaged": {"decay": 0.75}}, normalised=True)
    trained = one.parts["trained net"]
    assert isinstance(trained, nn.Module)
    expected = weights(one.net)
    for _ in range(4):
        one(LR, HR)
        expected = 0.75 * expected + 0.25 * weights(trained)
    torch.testing.assert_close(weights(one.net), expected)
    assert torch.equal(one.net[1].running_mean, trained[1].running_mean)  # type: ignore[index]


def test_a_batch_in_parts_gives_the_same_step() -> None:
    whole, parts = learner("supervised"), learner({"accumulated": {"parts": 3}})
    for _ in range(3):
        torch.testing.assert_close(whole(LR, HR), parts(LR, HR))
    torch.testing.assert_close(weights(whole.net), weights(parts.net))


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_mixup_blends_each_pair_with_one_other(p: float) -> None:
    seen: list[Tensor] = []

    class Seen:
        terms = ()

        def __init__(self, net: nn.Module, *_: Any) -> None:
            self.net = net

        def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
            seen.extend((lr, hr))
            return torch.zeros(())

    torch.manual_seed(0)
    Mixup(nn.Identity(), None, "fp32", Streams(0), of=Seen, p=p)(LR, 2 * LR)  # type: ignore[arg-type]
    lr, hr = seen
    torch.testing.assert_close(hr, 2 * lr)
    torch.testing.assert_close(lr.mean(0), LR.mean(0))  # every patch is used as often
    assert torch.equal(lr, LR) == (p == 0)
