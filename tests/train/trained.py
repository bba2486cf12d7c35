"""What tests of training train: a drawn image, small networks, and the law that a resume keeps."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.data.decoded import Dataset, Image
from srbench.data.patches import Patches
from srbench.train import graphs
from srbench.train.engine import graphed
from srbench.train.fit import Training
from srbench.train.initialise import initialise
from srbench.train.settings import TrainSettings, training

slots.load()
CPU = torch.device("cpu")
RATE = 2.0**-7  # exact in fp32, so that a rate read from a tensor is the same rate
DRAWN_LR = {"pipeline": {"of": ["noise", "bicubic"]}}  # a degradation that only the host can do


def patches(
    streams: Streams | None = None,
    degradation: Any = "matlab_bicubic",
    *,
    size: tuple[int, int] = (20, 24),
    scale: int = 2,
    patch: int = 12,
    count: int = 5,
) -> Patches:
    """Batches of two, three an epoch, the last one smaller; flipped and turned."""
    pixels = np.random.default_rng(7).integers(0, 256, (*size, 3), dtype=np.uint8)
    pixels = pixels.repeat(2, 0).repeat(2, 1)
    one = Image("drawn", pixels, None, hashlib.sha256(pixels.data).hexdigest())
    degrade = slots.degradation.parse(degradation).build()(scale)
    flips = [slots.augmentation.parse(name).build()() for name in ("hflip", "rot90")]
    return Patches(
        Dataset("drawn", "train", (one,), "0"), degrade, flips, scale=scale, patch=patch,
        count=count, batch_size=2, fixed=False, streams=streams or Streams(3),
    )  # fmt: skip


class Smooth:
    """Two batches an epoch of smooth noise, the same at every call."""

    steps_per_epoch = 2

    def __init__(self, scale: int = 2) -> None:
        self.scale = scale

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        hr = np.random.default_rng([epoch, step]).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
        hr = hr[:, ::4, ::4].repeat(4, 1).repeat(4, 2)
        return hr[:, :: self.scale, :: self.scale].copy(), hr


class Dropping(nn.Module):
    """What makes resuming hard: dropout, running statistics, a parameter that nothing reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 12, 3, padding=1)
        self.norm, self.drop, self.dead = nn.BatchNorm2d(6), nn.Dropout(0.3), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.drop(self.norm(self.first(x)).relu()))
        return nn.functional.pixel_shuffle(y, 2)


def dropping(device: str = "cpu", streams: Streams | None = None) -> nn.Module:
    net = Dropping()
    initialise(net, streams or Streams(3))
    return net.to(device)


def network(model: Any, scale: int = 2, device: str = "cpu", seed: int = 3) -> nn.Module:
    net: nn.Module = slots.model.parse(model).build()(scale)
    initialise(net, Streams(seed))
    return net.to(device)


def settings(**changes: Any) -> TrainSettings:
    found: TrainSettings = training.parse({"train": {"epochs": 2, "batch": 2} | changes}).build()()
    return found


def hold_on(device: torch.device) -> graphs.Hold:
    return graphs.recorder(device) if device.type == "cuda" else graphs.called


def held(learner: Any, patches: Any, device: torch.device) -> Any:
    """The engine of CUDA graphs; on the CPU its steps are plain calls."""
    return graphed(learner, patches, device, hold_on(device))


def same(one: Any, other: Any) -> bool:
    """Whether two states are equal, tensors to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, Tensor) else bool(one == other)


def goes_on(train: Callable[..., Training]) -> Training:
    """A training; begun again from each of its saved states, it must end in the same bits.

    `train` takes what is called after every step, and the state to resume from.
    """
    states: list[bytes] = []

    def keep(now: Training) -> None:
        file = io.BytesIO()
        torch.save(now.state(), file)
        states.append(file.getvalue())

    whole = train(keep)
    device = next(whole.net.parameters()).device
    assert len(states) == whole.steps
    for raw in states:
        torch.rand(3)  # whatever else the process drew
        state = torch.load(io.BytesIO(raw), weights_only=True, map_location=device)
        again = train(lambda now: None, resume=state)
        assert (again.losses, again.terms) == (whole.losses, whole.terms)
        assert same(again.state(), whole.state())
    return whole
