"""The training loop: golden losses, resuming to the bit, divergence, clipping, schedules."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.data.decoded import Dataset, Image
from srbench.data.patches import Patches
from srbench.train.engine import as_images
from srbench.train.fit import FIT_VERSION, Diverged, Training, fit
from srbench.train.initialise import initialise
from srbench.train.settings import TrainSettings, training

slots.load()
pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
CUDA = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.values,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    ],
)


@pytest.fixture
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


def images(streams: Streams, count: int = 5, batch: int = 2) -> Patches:
    """Three batches an epoch, cut from one drawn image, flipped and turned."""
    pixels = np.random.default_rng(7).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    pixels = pixels.repeat(2, 0).repeat(2, 1)
    one = Image("drawn", pixels, None, hashlib.sha256(pixels.data).hexdigest())
    degrade = slots.degradation.parse("matlab_bicubic").build()(2)
    flips = [slots.augmentation.parse(name).build()() for name in ("hflip", "rot90")]
    return Patches(
        Dataset("drawn", "train", (one,), "0"), degrade, flips,
        scale=2, patch=12, count=count, batch_size=batch, fixed=False, streams=streams,
    )  # fmt: skip


def settings(**changes: Any) -> TrainSettings:
    made: TrainSettings = training.parse({"train": {"epochs": 2, "batch": 2} | changes}).build()()
    return made


def carn(streams: Streams) -> nn.Module:
    change = {"channels": 4, "blocks": 1, "units": 1, "skip": "bilinear"}
    net: nn.Module = slots.model.parse({"carn": change}).build()(2)
    initialise(net, streams)
    return net


GOLDEN = [0.1672697, 0.1500684, 0.1506961, 0.1306079, 0.1329409, 0.1408263]


def test_the_losses_of_this_version_of_fit() -> None:
    """Where these change on purpose, raise FIT_VERSION: stored runs are then not taken for new.

    Streams, patches, degradation, augmentation, initialisation and loop all take part.
    """
    streams = Streams(3)
    chosen = settings(optimizer={"adam": {"lr": 1e-2}}, schedule="cosine", clip=1.0)
    found = fit(carn(streams), images(streams), chosen, streams, lambda _: None).losses
    assert FIT_VERSION == 1
    assert found == pytest.approx(GOLDEN, rel=1e-5)


class Dropping(nn.Module):
    """A network with everything that makes resuming hard: dropout, running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 12, 3, padding=1)
        self.norm, self.drop = nn.BatchNorm2d(6), nn.Dropout(0.3)
        self.up = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.up(self.last(self.drop(self.norm(self.first(x)).relu())))
        return y


def fresh(streams: Streams) -> nn.Module:
    net = Dropping()
    initialise(net, streams)
    return net


def saved(state: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """A state's plain values and tensors by path."""
    if isinstance(value, dict):
        return {
            k: v for key, inner in value.items() for k, v in flat(inner, f"{path}/{key}").items()
        }
    if isinstance(value, list | tuple):
        return {
            k: v for i, inner in enumerate(value) for k, v in flat(inner, f"{path}/{i}").items()
        }
    return {path: value}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    one, other = flat(a), flat(b)
    return one.keys() == other.keys() and all(
        torch.equal(v, other[k]) if isinstance(v, Tensor) else v == other[k] for k, v in one.items()
    )


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"optimizer": {"adam": {"lr": 1e-2, "amsgrad": True, "weight_decay": 1e-2}}},
        {"optimizer": "adamw", "schedule": {"cosine": {"warmup": 0.3}}, "clip": 0.1},
        {"optimizer": {"sgd": {"nesterov": True}}, "schedule": {"step": {"at": [0.4]}}},
        {"schedule": {"warm_restarts": {"cycles": 2}}, "loss": {"sum": {"of": ["l1", "mse"]}}},
    ],
    ids=["adam", "amsgrad", "adamw-warmup-clip", "sgd-step", "restarts-sum"],
)
@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_going_on_from_any_step_gives_the_same_bits(
    chosen: dict[str, Any], device: str, deterministic: None
) -> None:
    streams, wanted = Streams(11), settings(**chosen)
    states: list[bytes] = []
    whole = fit(
        fresh(streams).to(device), images(streams), wanted, streams,
        lambda t: states.append(saved(t.state())),
    )  # fmt: skip
    assert len(states) == whole.steps == 6
    for raw in states:
        torch.rand(3)  # whatever else the process drew
        state = torch.load(io.BytesIO(raw), weights_only=True, map_location=device)
        net = Dropping().to(device)
        again = fit(net, images(streams), wanted, streams, lambda _: None, resume=state)
        assert again.losses == whole.losses
        assert same(again.state(), whole.state())


def test_another_seed_or_salt_is_another_training() -> None:
    losses = [
        fit(fresh(s), images(s), settings(), s, lambda _: None).losses
        for s in (Streams(0), Streams(0), Streams(1), Streams(0, "control"))
    ]
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
        fit(net, images(Streams(0)), settings(), Streams(0), lambda _: None)
    assert nets[0].drawn == nets[1].drawn
    assert len(set(nets[0].drawn)) == 6


def test_progress_is_told_after_every_step() -> None:
    told: list[tuple[int, int, bool]] = []
    streams = Streams(0)

    def note(t: Training) -> None:
        told.append((t.step, t.epoch, t.at_epoch_end))

    fit(fresh(streams), images(streams), settings(), streams, note)
    ends = [False, False, True]
    assert told == [(s, s // 3, end) for s, end in enumerate(ends * 2, 1)]


def test_stopping_is_raising() -> None:
    def stop(t: Training) -> None:
        if t.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(fresh(Streams(0)), images(Streams(0)), settings(), Streams(0), stop)


def test_a_training_that_is_ended_takes_no_further_step_nor_does_its_resume() -> None:
    steps: list[int] = []

    def end(now: Training) -> None:
        steps.append(now.step)
        if now.step == 4:
            now.end()

    streams = Streams(0)
    ended = fit(carn(streams), images(streams), settings(), streams, end)
    again = fit(carn(streams), images(streams), settings(), streams, end, resume=ended.state())
    assert (steps, again.losses) == ([1, 2, 3, 4], ended.losses)


def test_the_schedule_scales_the_learning_rate_of_every_step() -> None:
    rates: list[float] = []
    chosen = settings(optimizer={"sgd": {"lr": 0.5}}, schedule="cosine")
    fit(fresh(Streams(0)), images(Streams(0)), chosen, Streams(0), lambda t: rates.append(t.lr))
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
@pytest.mark.parametrize("step", [1, 2, 3, 4, 6])
def test_divergence_names_its_step_and_gives_no_state(step: int, value: float) -> None:
    chosen = replace(settings(), loss=breaks_at(step, value))
    states: list[int] = []

    def save(t: Training) -> None:
        t.state()
        states.append(t.step)

    with pytest.raises(Diverged, match=f"not finite at step {step} ") as caught:
        fit(fresh(Streams(0)), images(Streams(0)), chosen, Streams(0), save)
    assert caught.value.step == step
    assert states == list(range(1, step))


def moved(clip: float | None) -> float:
    """How far one step of plain descent at rate 1 moves the weights."""
    net, streams = fresh(Streams(0)), Streams(0)
    before = nn.utils.parameters_to_vector(net.parameters()).detach()
    chosen = settings(
        epochs=1, clip=clip, optimizer={"sgd": {"lr": 1.0, "momentum": 0}}, loss="mse"
    )
    fit(net, images(streams, count=2), chosen, streams, lambda _: None)
    after = nn.utils.parameters_to_vector(net.parameters()).detach()
    return float((after - before).norm())


def test_clipping_bounds_the_norm_of_the_whole_gradient() -> None:
    free = moved(None)
    assert moved(free / 10) == pytest.approx(free / 10, rel=1e-3)
    assert moved(free * 10) == free


def test_frozen_weights_stay() -> None:
    net = fresh(Streams(0))
    net.get_submodule("first").requires_grad_(False)
    before = net.get_parameter("first.weight").clone()
    fit(net, images(Streams(0)), settings(), Streams(0), lambda _: None)
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
