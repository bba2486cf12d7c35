"""Two networks trained against each other: their losses, their state, and what collapse is."""

from __future__ import annotations

from copy import deepcopy
from math import log
from typing import Any

import numpy as np
import pytest
import torch

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.train.fit import Training, fit
from srbench.train.initialise import initialise
from srbench.train.settings import TrainSettings, training

slots.load()


class Drawn:
    steps_per_epoch = 3

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        hr = np.random.default_rng((epoch, step)).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
        return np.ascontiguousarray(hr[:, ::2, ::2]), hr


def settings(**adversarial: Any) -> TrainSettings:
    asked = {"epochs": 2, "learner": {"adversarial": adversarial}}
    made: TrainSettings = training.parse({"train": asked}).build()()
    return made


def trained(
    asked: TrainSettings, states: list[Any] | None = None, resume: dict[str, Any] | None = None
) -> Training:
    net = slots.model.parse({"espcn": {"channels": 4, "inner": 4}}).build()(2)
    initialise(net, Streams(0))

    def keep(now: Training) -> None:
        if states is not None and now.step == 4:
            states.append(deepcopy(now.state()))

    return fit(net, Drawn(), asked, Streams(0), keep, resume=resume)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [{}, {"updates": 2}, {"generator_updates": 2}])
def test_a_resumed_training_goes_on_to_the_same_bits(ratio: dict[str, int]) -> None:
    states: list[Any] = []
    whole = trained(settings(weight=1.0, **ratio), states)
    again = trained(settings(weight=1.0, **ratio), resume=states[0])
    assert (again.losses, again.terms) == (whole.losses, whole.terms)
    for name, tensor in whole.net.state_dict().items():
        assert torch.equal(tensor, again.net.state_dict()[name])


def test_the_loss_is_that_of_pixels_and_the_weighed_adversary() -> None:
    found = trained(settings(weight=0.5))
    pixels, adversarial, judged = (np.array(values) for values in found.terms.values())
    assert np.allclose(found.losses, pixels + 0.5 * adversarial)
    assert judged[0] == pytest.approx(2 * log(2), abs=0.1)  # it knows nothing yet


def test_a_weight_of_zero_trains_as_without_an_adversary() -> None:
    alone: TrainSettings = training.parse({"train": {"epochs": 2}}).build()()
    assert trained(settings(weight=0.0)).losses == pytest.approx(trained(alone).losses, rel=1e-5)


def test_worth_less_than_one_flat_colour_is_collapse() -> None:
    score = slots.metric.parse("psnr_above_flat").build()()
    hr = np.random.default_rng(0).integers(80, 160, (32, 32, 3), dtype=np.uint8)
    assert score(255 - hr, hr) < 0 < score(np.clip(hr + 3, 0, 255).astype(np.uint8), hr)
