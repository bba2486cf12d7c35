"""What is called again and again: a network's forward pass, or a step of its training."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from srbench.core.devices import MemoryOrder, Precision
from srbench.core.fused import fused
from srbench.core.registry import Choice
from srbench.core.streams import Streams
from srbench.measure.latency_setting import MEMORY, PRECISIONS, Setting
from srbench.measure.stopwatch import Work
from srbench.train import graphs
from srbench.train.engine import fed, images_of
from srbench.train.initialise import initialise
from srbench.train.precision import lay_out
from srbench.train.settings import TrainSettings, trained_scales


def work(model: Choice, train: Choice, scale: int, setting: Setting) -> Work:
    """A call of a network with weights drawn at random, on the setting's device and input.

    A forward pass is that of the fused network, a step that of the network in training.

    Raises:
        RuntimeError, ValueError, TypeError: it cannot be built, or not in this setting.
    """
    device = torch.device(setting.device)
    net: nn.Module = model.build()(scale)
    initialise(net, Streams(0))
    if setting.quantity == "step_time":
        return _step(net.to(device), train, scale, setting)
    dtype, memory = PRECISIONS[setting.precision], MEMORY[setting.memory_format]
    net = fused(net.eval()).to(device=device, dtype=dtype)
    net = net.to(memory_format=memory)
    lr = _image(setting, device).to(dtype=dtype, memory_format=memory)
    if setting.mode == "graph":
        return _graph(net, lr)
    if setting.mode == "compiled":
        compiled = torch.compile(net, dynamic=False)
        return lambda: compiled(lr)
    return lambda: net(lr)


def _image(setting: Setting, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(setting.batch, 3, *setting.lr_size, generator=generator).to(device)


def _graph(net: nn.Module, lr: Tensor) -> Work:
    """The forward pass as a CUDA graph, captured after calls on the same stream."""
    with graphs.aside(lr.device):
        for _ in range(graphs.WARM_UP):
            net(lr)
    return graphs.recorder(lr.device)(lambda: net(lr))


class OneBatch:
    """A feed of the same batch at every step."""

    def __init__(self, lr: Tensor, hr: Tensor) -> None:
        self.pair = lr, hr

    def place(self, epoch: int, within: int) -> int:
        return len(self.pair[0])

    def ahead(self, epoch: int) -> None: ...

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        return self.pair


def _step(net: nn.Module, train: Choice, scale: int, setting: Setting) -> Work:
    """A training step as `fit` takes it, on one batch that stays where it is."""
    if not any(p.requires_grad for p in net.parameters()):
        raise ValueError("it has nothing to train")
    if len(trained_scales(train, scale)) > 1:
        raise ValueError("its steps are of several scales, so a step has no single time")
    precision, order = cast(Precision, setting.precision), cast(MemoryOrder, setting.memory_format)
    device, (height, width), n = torch.device(setting.device), setting.lr_size, setting.batch
    lay_out(net, precision, device, order)
    settings: TrainSettings = train.build()()
    learner = settings.learner(net.train(), settings, precision, Streams(0))
    rng = np.random.default_rng(0)
    lr, hr = (
        torch.from_numpy(rng.integers(0, 256, (n, height * k, width * k, 3), np.uint8)).to(device)
        for k in (1, scale)
    )
    if setting.mode == "graph":
        if not graphs.holds(learner):
            raise ValueError("a CUDA graph cannot hold steps of its optimizer")
        take = fed(learner, OneBatch(lr, hr), 1, device, graphs.recorder(device))
        take(0, 0)
        if take.given_up:
            raise ValueError("a CUDA graph cannot hold its steps")
        return lambda: take(0, 0)
    lr_images, hr_images = images_of(lr), images_of(hr)
    return lambda: learner(lr_images, hr_images)
