"""SuperResNet against the counts that follow from its source, and networks of several outputs."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch

from srbench.core import slots
from srbench.core.outputs import shrunk, split_name
from srbench.core.streams import Streams
from srbench.measure.cost import cost
from srbench.measure.forward import resolved
from srbench.measure.scores import PROTOCOLS, metrics_named, score_outputs
from srbench.train.fit import Training, fit
from srbench.train.initialise import initialise
from srbench.train.settings import training

slots.load()
NARROW = {"channels": 32, "before": 2, "after": 1}
COUNTS: list[tuple[Any, int, int]] = [  # settings at x4, trainable, frozen
    ({"outputs": "first"}, 38_915, 0),
    ({}, 39_110, 0),
    ({**NARROW, "unit": "residual"}, 56_582, 0),
    ({**NARROW, "unit": "dilated_branches"}, 93_638, 0),
    ({"features": "vgg16"}, 149_766, 260_160),  # counted without its weights at hand
    ({"features": "clip"}, 370_950, 87_849_216),
]


def build(settings: Any, scale: int = 4) -> Any:
    return slots.model.parse({"superresnet": settings}).build()(scale)


@pytest.mark.parametrize(("settings", "trained", "frozen"), COUNTS)
def test_a_count_is_that_of_the_source(settings: Any, trained: int, frozen: int) -> None:
    found = cost(slots.model.parse({"superresnet": settings}).build(), 4)
    assert (found.parameters - found.frozen, found.frozen, found.dead) == (trained, frozen, 0)


def test_every_output_is_scored_against_hr_of_its_size() -> None:
    net, lr = build({}), np.full((24, 24, 3), 128, np.uint8)
    hr = lr.repeat(4, 0).repeat(4, 1)
    found = resolved(net, lr)
    assert {factor: image.shape[0] for factor, image in found.items()} == {2: 48, 4: 96}
    metrics, _ = metrics_named(["psnr_y", "psnr_y/x2"], 4)
    row = score_outputs({2: hr[::2, ::2], 4: found[4]}, hr, PROTOCOLS["sr-y-v1"], 4, metrics)
    assert row["psnr_y/x2"] == np.inf > row["psnr_y"]


def test_an_output_that_is_not_there_has_no_score() -> None:
    found = resolved(build({"outputs": "first"}), np.zeros((24, 24, 3), np.uint8))
    hr = np.zeros((96, 96, 3), np.uint8)
    metrics, _ = metrics_named(["psnr_y", "psnr_y/x2"], 4)
    row = score_outputs(found, hr, PROTOCOLS["sr-y-v1"], 4, metrics)
    assert np.isnan(row["psnr_y"])
    assert not np.isnan(row["psnr_y/x2"])


@pytest.mark.parametrize("name", ["psnr_y/x3", "psnr_y/x4", "psnr_y/2", "psnr_y/x0", "psnr_y/"])
def test_a_factor_that_no_smaller_output_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no output smaller than x4"):
        split_name(name, 4)


class Drawn:
    steps_per_epoch = 2

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((epoch, step))
        hr = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
        return np.ascontiguousarray(hr[:, ::4, ::4]), hr


def test_the_loss_is_the_sum_of_the_outputs_and_each_has_a_curve_that_survives_a_resume() -> None:
    settings = training.parse({"train": {"epochs": 2, "loss": "inverse_psnr"}}).build()()
    states: dict[int, dict[str, Any]] = {}

    def run(resume: dict[str, Any] | None = None) -> Training:
        net = build({"channels": 4})
        initialise(net, Streams(0))
        keep = lambda now: states.update({now.step: deepcopy(now.state())})  # noqa: E731
        return fit(net, Drawn(), settings, Streams(0), keep, resume=resume)

    whole = run()
    assert list(whole.terms) == ["loss/x2", "loss/x4"]
    assert np.allclose(np.sum(list(whole.terms.values()), 0), whole.losses)
    again = run(resume=states[2])
    assert (again.losses, again.terms) == (whole.losses, whole.terms)


def test_hr_is_shrunk_as_the_protocol_shrinks_it() -> None:
    hr = np.random.default_rng(0).integers(60, 200, (24, 24, 3), dtype=np.uint8)
    lr = slots.degradation.parse("matlab_bicubic").build()(2)(hr, np.random.default_rng(0))
    ours = shrunk(torch.tensor(hr).permute(2, 0, 1)[None].float(), 12, 12)
    assert float((ours[0].permute(1, 2, 0) - torch.tensor(lr)).abs().max()) <= 1.01
