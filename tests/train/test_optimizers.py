"""Optimizers by hand, and what each setting reaches."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from srbench.core import slots

slots.load()


def after(written: Any, *gradients: float) -> float:
    """A weight of 1 after a step for each gradient."""
    weight = nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = slots.optimizer.parse(written).build()([weight])
    for gradient in gradients:
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
    return weight.item()


@pytest.mark.parametrize(
    ("written", "gradients", "expected"),
    [
        ({"sgd": {"lr": 0.1, "momentum": 0}}, [2], 1 - 0.2),
        ({"sgd": {"lr": 0.1, "momentum": 0.5}}, [2, 2], 1 - 0.2 - 0.1 * 3),
        ({"sgd": {"lr": 0.1, "momentum": 0.5, "nesterov": True}}, [2], 1 - 0.1 * 3),
        ({"sgd": {"lr": 0.1, "momentum": 0, "weight_decay": 1}}, [2], 1 - 0.1 * 3),
        ({"adam": {"lr": 0.1}}, [2], 1 - 0.1),
        ({"adam": {"lr": 0.1, "weight_decay": 1}}, [0.5], 1 - 0.1),
        ({"adamw": {"lr": 0.1, "weight_decay": 0.5}}, [2], 1 - 0.05 - 0.1),
        ({"adam": {"lr": 0.1, "beta1": 0, "beta2": 0.5}}, [1, 0], 1 - 0.1),
    ],
)
def test_steps_by_hand(written: Any, gradients: list[float], expected: float) -> None:
    assert after(written, *gradients) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_amsgrad_remembers_the_largest_gradient(name: str) -> None:
    plain, amsgrad = ({name: {"beta2": 0.1, "lr": 0.1, "amsgrad": on}} for on in (False, True))
    assert after(amsgrad, 9, 0.1) > after(plain, 9, 0.1)
    assert after(amsgrad, 1) == after(plain, 1)


def test_frozen_learning_rate_is_no_movement() -> None:
    for name in slots.optimizer.parts:
        assert after({name: {"lr": 0}}, 3, 4) == 1
