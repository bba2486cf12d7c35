"""Trainings for the checks of `first_gpu.py`: the process, networks, patches, engines."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from srbench.core import slots
from srbench.core.arithmetic import full_precision
from srbench.core.streams import Streams
from srbench.data import resident
from srbench.data.datasets import photos
from srbench.data.decoded import Dataset, Image, decode
from srbench.data.patches import Patches
from srbench.train import fit as loop
from srbench.train import graphs
from srbench.train.device import CUBLAS, clear, settle, touch
from srbench.train.engine import graphed
from srbench.train.fit import Training, fit
from srbench.train.initialise import initialise
from srbench.train.settings import training

RATE = 2.0**-13  # exact in fp32, so that a rate read from a tensor is the same rate
SEED = 3


def settled(device_name: str) -> AbstractContextManager[None]:
    """This process as a worker is, with nothing left of the case before; fp32 is fp32 inside."""
    device = torch.device(device_name)
    _set_up(device)
    resident.release()
    clear(device)
    return full_precision()


@cache
def _set_up(device: torch.device) -> None:
    os.environ.update(CUBLAS)
    settle(device, 1)
    touch(device)
    slots.load()


def network(model: Any, scale: int, device: torch.device) -> nn.Module:
    """A network with its initial weights, the same each time."""
    net: nn.Module = slots.model.parse(model).build()(scale)
    initialise(net, Streams(SEED))
    return net.to(device)


def settings(epochs: int) -> Any:
    chosen = {"epochs": epochs, "optimizer": {"adam": {"lr": RATE}}}
    return training.parse({"train": chosen}).build()()


def drawn(side: int, count: int, batch: int) -> Patches:
    """Patches of LR `side`, x2, of an image of noise: needs no file, and cuts on the device."""
    pixels = np.random.default_rng(SEED).integers(0, 256, (48, 60, 3), dtype=np.uint8)
    pixels = pixels.repeat(4, 0).repeat(4, 1)
    return _patches(Dataset("drawn", "train", (Image("drawn", pixels, None, "0"),), "0"),
                    side, count, batch, "matlab_bicubic")  # fmt: skip


def photographed(side: int, count: int, batch: int, degradation: Any = "matlab_bicubic") -> Patches:
    """Patches of LR `side`, x2, of scikit-image's photographs."""
    return _patches(_photographs(), side, count, batch, degradation)


@cache
def _photographs() -> Dataset:
    return decode(list(photos("train", 2)), "photos", "train", 2)


def _patches(images: Dataset, side: int, count: int, batch: int, degradation: Any) -> Patches:
    return Patches(
        images, slots.degradation.parse(degradation).build()(2),
        [slots.augmentation.parse(one).build()() for one in ("hflip", "rot90")],
        scale=2, patch=2 * side, count=count, batch_size=batch, fixed=False, streams=Streams(SEED),
    )  # fmt: skip


class Keeping:
    """The engine of graphs; keeps what it made, so that it can be replayed after `fit`."""

    def __init__(self) -> None:
        self.replays: list[Callable[[], None]] = []  # full batches first, then the last of an epoch
        self.take: Any = None  # owns memory that the graphs read

    def __call__(self, learner: Any, patches: Any, device: torch.device) -> Any:
        record = graphs.recorder(device)

        def hold(work: Callable[[], None]) -> Callable[[], None]:
            self.replays.append(record(work))
            return self.replays[-1]

        self.take = graphed(learner, patches, device, hold)
        return self.take


def trained(
    net: nn.Module,
    patches: Patches,
    epochs: int,
    chosen: Callable[..., Any],
    precision: Any,
    on_progress: Callable[[Training], None] = lambda now: None,
    resume: dict[str, Any] | None = None,
) -> Training:
    """`fit` with the steps of the engine `chosen`.

    Raises:
        UserWarning: a graph was to hold the steps, and does not.
    """
    with steps_of(chosen), warnings.catch_warnings():
        warnings.filterwarnings("error", "not held by a CUDA graph")
        return fit(
            net, patches, settings(epochs), Streams(SEED), on_progress,
            precision=precision, resume=resume,
        )  # fmt: skip


@contextmanager
def steps_of(chosen: Callable[..., Any]) -> Iterator[None]:
    """Inside, `fit` takes the engine `chosen` in place of the one it would choose."""
    before = loop.engine
    loop.engine = chosen
    try:
        yield
    finally:
        loop.engine = before
        gc.collect()
