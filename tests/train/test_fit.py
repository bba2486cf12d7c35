"""The training loop: golden losses, resuming to the bit, divergence, clipping, schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from on_cuda import CUDA
from torch import Tensor, nn
from trained import CPU, DRAWN_LR, dropping, goes_on, held, network, patches, settings

from srbench.core.streams import Streams
from srbench.train import fit as loop
from srbench.train.engine import as_images, stepwise
from srbench.train.fit import FIT_VERSION, Diverged, Training, fit

pytestmark = pytest.mark.usefixtures("one_thread")
GOLDEN = [0.1672697, 0.1500684, 0.1506961, 0.1306079, 0.1329409, 0.1408263]


@pytest.fixture
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


def taken(
    note: Callable[[Training], None] = lambda now: None,
    chosen: Any = None,
    net: nn.Module | None = None,
    streams: Streams | None = None,
    **more: Any,
) -> Training:
    """A training of two epochs of three steps."""
    streams = streams or Streams(0)
    data = patches(streams, count=more.pop("count", 5))
    return fit(net or dropping(streams=streams), data, chosen or settings(), streams, note, **more)


def test_the_losses_of_this_version_of_fit() -> None:
    """Where these change on purpose, raise FIT_VERSION: stored runs are then not taken for new.

    Streams, patches, degradation, augmentation, initialisation and loop all take part.
    """
    chosen = settings(optimizer={"adam": {"lr": 1e-2}}, schedule="cosine", clip=1.0)
    net = network({"carn": {"channels": 4, "blocks": 1, "units": 1, "skip": "bilinear"}})
    assert FIT_VERSION == 1
    assert taken(chosen=chosen, net=net, streams=Streams(3)).losses == pytest.approx(
        GOLDEN, rel=1e-5
    )


@pytest.mark.parametrize("engine", [stepwise, held])
@pytest.mark.parametrize(
    ("chosen", "degradation"),
    [
        ({}, "matlab_bicubic"),
        ({"schedule": "cosine"}, DRAWN_LR),
        ({"optimizer": {"adam": {"amsgrad": True, "weight_decay": 1e-2}}}, "matlab_bicubic"),
        ({"optimizer": "adamw", "schedule": {"cosine": {"warmup": 0.3}}, "clip": 0.1}, DRAWN_LR),
        ({"optimizer": {"sgd": {"nesterov": True}}, "schedule": "step"}, "matlab_bicubic"),
        ({"schedule": {"warm_restarts": {"cycles": 2}}, "loss": {"sum": {"of": ["l1", "mse"]}}},
         "matlab_bicubic"),
    ],
    ids=["adam", "lr-of-the-host", "amsgrad", "adamw-warmup-clip", "sgd-step", "restarts-sum"],
)  # fmt: skip
@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_going_on_from_any_step_gives_the_same_bits(
    chosen: dict[str, Any], degradation: Any, engine: Any, device: str, deterministic: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(loop, "engine", engine)
    data, streams = patches(Streams(11), degradation), Streams(11)

    def train(keep: Callable[[Training], None], **more: Any) -> Training:
        return fit(dropping(device), data, settings(**chosen), streams, keep, **more)

    assert goes_on(train).steps == 6


def test_another_seed_or_salt_is_another_training() -> None:
    streams = (Streams(0), Streams(0), Streams(1), Streams(0, "control"))
    losses = [taken(streams=one).losses for one in streams]
    assert losses[0] == losses[1]
    assert len({tuple(one) for one in losses}) == 3


def test_noise_is_drawn_anew_at_every_step_and_alike_in_every_run() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drawn: list[float] = []
            self.gain = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            self.drawn.append(torch.rand(()).item())
            return self.gain * x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    nets = [Noisy(), Noisy()]
    for net in nets:
        taken(net=net)
    assert nets[0].drawn == nets[1].drawn
    assert len(set(nets[0].drawn)) == 6


def test_progress_is_reported_after_every_step() -> None:
    seen: list[tuple[int, int, bool]] = []
    taken(lambda now: seen.append((now.step, now.epoch, now.at_epoch_end)))
    ends = [False, False, True]
    assert seen == [(s, s // 3, end) for s, end in enumerate(ends * 2, 1)]


def test_stopping_is_raising() -> None:
    def stop(now: Training) -> None:
        if now.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taken(stop)


def test_a_training_that_is_ended_takes_no_further_step_nor_does_its_resume() -> None:
    steps: list[int] = []

    def end(now: Training) -> None:
        steps.append(now.step)
        if now.step == 4:
            now.end()

    ended = taken(end)
    again = taken(end, resume=ended.state())
    assert (steps, again.losses) == ([1, 2, 3, 4], ended.losses)


def test_the_schedule_scales_the_learning_rate_of_every_step() -> None:
    rates: list[float] = []
    taken(lambda now: rates.append(now.lr), settings(optimizer={"sgd": {"lr": 0.5}},
                                                     schedule="cosine"))  # fmt: skip
    assert rates == pytest.approx([0.25 * (1 + math.cos(math.pi * s / 6)) for s in range(6)])


def breaks_at(call: int, value: float) -> Callable[[], Callable[[Tensor, Tensor], Tensor]]:
    """A loss that is `value` at its nth call."""

    def make() -> Callable[[Tensor, Tensor], Tensor]:
        calls = iter(range(1, 1000))

        def distance(sr: Tensor, hr: Tensor) -> Tensor:
            return (sr - hr).abs().mean() * (value if next(calls) == call else 1.0)

        return distance

    return make


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("step", [1, 3, 4, 6])
def test_divergence_names_its_step_and_gives_no_state(step: int, value: float) -> None:
    states: list[int] = []

    def save(now: Training) -> None:
        now.state()
        states.append(now.step)

    with pytest.raises(Diverged, match=f"not finite at step {step} ") as caught:
        taken(save, replace(settings(), loss=breaks_at(step, value)))
    assert caught.value.step == step
    assert states == list(range(1, step))


def moved(clip: float | None) -> float:
    """How far one step of plain descent at rate 1 moves the weights."""
    net = dropping()
    before = nn.utils.parameters_to_vector(net.parameters()).detach()
    plain = {"sgd": {"lr": 1.0, "momentum": 0}}
    taken(chosen=settings(epochs=1, clip=clip, optimizer=plain, loss="mse"), net=net, count=2)
    after = nn.utils.parameters_to_vector(net.parameters()).detach()
    return float((after - before).norm())


def test_clipping_bounds_the_norm_of_the_whole_gradient() -> None:
    free = moved(None)
    assert moved(free / 10) == pytest.approx(free / 10, rel=1e-3)
    assert moved(free * 10) == free


def test_frozen_weights_stay() -> None:
    net = dropping()
    net.get_submodule("first").requires_grad_(False)
    before = net.get_parameter("first.weight").clone()
    taken(net=net)
    assert torch.equal(net.get_parameter("first.weight"), before)


def test_pixels_become_images() -> None:
    pixels = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    found = as_images(pixels, CPU)
    assert found.shape == (2, 3, 3, 4)
    assert found[1, 2, 0, 3] == pytest.approx(pixels[1, 0, 3, 2] / 255)
    assert (found.min(), found.max()) == (0, pytest.approx(71 / 255))


@pytest.mark.parametrize(("epochs", "validations"), [(1, 10), (10, 3), (10, 10), (7, 5), (5, 0)])
def test_validations_are_even_and_the_last_epoch_has_one(epochs: int, validations: int) -> None:
    found = sorted(settings(epochs=epochs, validations=validations).validation_epochs())
    assert len(found) == min(epochs, validations)
    assert found[-1:] == ([epochs] if validations else [])
    gaps = np.diff([0, *found])
    assert not len(found) or gaps.max() - gaps.min() <= 1
