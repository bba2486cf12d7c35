"""Two networks trained against each other: their losses, their state, and what collapse is."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import pytest
from trained import Smooth, goes_on, network
from trained import settings as plain_settings

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.train.fit import Training, fit
from srbench.train.settings import TrainSettings


def settings(**adversarial: Any) -> TrainSettings:
    return plain_settings(learner={"adversarial": adversarial})


def trained(
    asked: TrainSettings, keep: Callable[[Training], None] = lambda now: None, **more: Any
) -> Training:
    net = network({"espcn": {"channels": 4, "inner": 4}}, seed=0)
    return fit(net, Smooth(), asked, Streams(0), keep, **more)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [{}, {"updates": 2}, {"generator_updates": 2}])
def test_a_resumed_training_goes_on_to_the_same_bits(ratio: dict[str, int]) -> None:
    goes_on(lambda keep, **more: trained(settings(weight=1.0, **ratio), keep, **more))


def test_the_loss_is_that_of_pixels_and_the_weighed_adversary() -> None:
    found = trained(settings(weight=0.5))
    pixels, adversarial, judged = (np.array(values) for values in found.terms.values())
    assert np.allclose(found.losses, pixels + 0.5 * adversarial)
    assert judged[0] == pytest.approx(2 * log(2), abs=0.1)  # it knows nothing yet


def test_a_weight_of_zero_trains_as_without_an_adversary() -> None:
    assert trained(settings(weight=0.0)).losses == pytest.approx(
        trained(plain_settings()).losses, rel=1e-5
    )


def test_worth_less_than_one_flat_colour_is_collapse() -> None:
    score = slots.metric.parse("psnr_above_flat").build()()
    hr = np.random.default_rng(0).integers(80, 160, (32, 32, 3), dtype=np.uint8)
    assert score(255 - hr, hr) < 0 < score(np.clip(hr + 3, 0, 255).astype(np.uint8), hr)
