"""What the scripts on the stand-in train: a drawn image, small patches, few steps."""

from __future__ import annotations

import ctypes
import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from srbench.core import slots
from srbench.core.arithmetic import full_precision
from srbench.core.errors import first_line
from srbench.core.streams import Streams
from srbench.data.decoded import Dataset, Image
from srbench.data.patches import Patches
from srbench.run.worker import settle
from srbench.train.fit import fit
from srbench.train.initialise import initialise
from srbench.train.settings import training

COUNTERS = ctypes.CDLL(None)  # the stand-in's, which is preloaded
EXPECTED = ("prototype feature",)  # torch says so of what finds steps that wait for the device


@dataclass(frozen=True)
class Held:
    """What became of a training's steps."""

    name: str
    precision: str
    steps: int
    replays: int
    nodes: int
    waits: int
    warnings: tuple[str, ...] = ()
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether a graph with something in it was replayed for every step."""
        return (
            self.error is None
            and not self.warnings
            and self.nodes > 0
            and self.replays == self.steps > 0
        )


def use(device_name: str) -> torch.device:
    """Set this process up as a worker of srbench does."""
    device = torch.device(device_name)
    settle(device, 1)
    slots.load()
    return device


def drawn(height: int = 96, width: int = 120) -> Image:
    """An image of noise, always the same."""
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image("drawn", pixels, None, hashlib.sha256(pixels.data).hexdigest())


def patches(
    scale: int = 2,
    degradation: Any = "matlab_bicubic",
    augmentations: Sequence[Any] = ("hflip",),
    *,
    patch: int | None = None,
    count: int = 4,
    batch: int = 2,
    image: Image | None = None,
) -> Patches:
    """Patches of a drawn image; `patch` is the side of HR."""
    return Patches(
        Dataset("drawn", "train", (image or drawn(),), "0"),
        slots.degradation.parse(degradation).build()(scale),
        [slots.augmentation.parse(one).build()() for one in augmentations],
        scale=scale, patch=patch or 24 * scale, count=count, batch_size=batch, fixed=False,
        streams=Streams(3),
    )  # fmt: skip


def network(model: Any, scale: int, device: torch.device, seed: int = 3) -> nn.Module:
    """A network with initial weights, on the device."""
    net: nn.Module = slots.model.parse(model).build()(scale)
    initialise(net, Streams(seed))
    return net.to(device)


def settings(train: dict[str, Any] | None = None, *, epochs: int = 2) -> Any:
    """Settings of a training, with Adam where nothing else is asked."""
    plain = {"epochs": epochs, "batch": 2, "optimizer": {"adam": {"lr": 1e-4}}}
    return training.parse({"train": plain | (train or {})}).build()()


def held(
    name: str,
    model: Any,
    device: torch.device,
    *,
    scale: int = 2,
    precision: Any = "fp32",
    train: dict[str, Any] | None = None,
    data: Any = None,
) -> Held:
    """Train and count. What goes wrong is in the answer."""
    steps = {"taken": 0}
    replays, nodes = COUNTERS.fake_glaunches(), COUNTERS.fake_nodes()
    waits = COUNTERS.fake_syncs()
    error = None

    def on_progress(now: Any) -> None:
        steps["taken"] = now.step

    with full_precision(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            net = network(model, scale, device)
            data = patches(scale) if data is None else data
            fit(net, data, settings(train), Streams(3), on_progress, precision=precision)
        except Exception as problem:
            error = f"{type(problem).__name__}: {first_line(problem)}"
    lines = [first_line(Warning(str(one.message))) for one in told]
    return Held(
        name, precision, steps["taken"],
        replays=COUNTERS.fake_glaunches() - replays, nodes=COUNTERS.fake_nodes() - nodes,
        waits=COUNTERS.fake_syncs() - waits, error=error,
        warnings=tuple(dict.fromkeys(
            line for line in lines if not any(part in line for part in EXPECTED)
        )),
    )  # fmt: skip
