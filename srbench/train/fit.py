"""fit: the training loop, plain and whole.

Everything random in it is a function of (seed, step), through named streams; the schedule is a
function of the step. So weights, optimizer and step are the whole state of a training.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from srbench.streams import Streams
from srbench.train.settings import TrainSettings

FIT_VERSION = 1
"""Part of every run's identity: raise it whenever `fit` gives other losses than before."""


class Patches(Protocol):
    """Where training patches come from: a pure function of epoch and step."""

    @property
    def steps_per_epoch(self) -> int: ...

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """LR (N, h, w, 3) and HR (N, H, W, 3) patches, uint8."""


class Diverged(ArithmeticError):
    """The loss is no longer a number."""

    def __init__(self, step: int, lr: float, last: float) -> None:
        super().__init__(
            f"the loss is not finite at step {step} (learning rate {lr:g}, last loss {last:.6g})"
        )
        self.step = step


class Training:
    """A training under way: what a checkpoint saves and a resumed run restores."""

    def __init__(
        self, net: nn.Module, optimizer: torch.optim.Optimizer, steps: int, per_epoch: int
    ) -> None:
        self.net, self.optimizer = net, optimizer
        self.steps, self.per_epoch = steps, per_epoch
        self.step = 0  # steps finished
        self.losses: list[float] = []  # of every finished step, up to the last `read_losses`
        self._unread: list[Tensor] = []

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return self.step // self.per_epoch

    @property
    def at_epoch_end(self) -> bool:
        return self.step % self.per_epoch == 0

    @property
    def lr(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def record(self, loss: Tensor) -> None:
        """Keep one step's loss on the device; reading it would wait for the device."""
        self._unread.append(loss)
        self.step += 1

    def read_losses(self) -> list[float]:
        """Bring the unread losses over and return all.

        Raises:
            Diverged: one of them is not finite.
        """
        if self._unread:
            new = torch.stack(self._unread).tolist()
            self._unread.clear()
            for value in new:
                if not math.isfinite(value):
                    last = self.losses[-1] if self.losses else math.nan
                    raise Diverged(len(self.losses) + 1, self.lr, last)
                self.losses.append(value)
        return self.losses

    def end(self) -> None:
        """Take no further step."""
        self.steps = self.step

    def state(self) -> dict[str, Any]:
        """Everything that later steps depend on, and the losses so far."""
        return {
            "step": self.step,
            "steps": self.steps,
            "losses": torch.tensor(self.read_losses(), dtype=torch.float64),
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.steps = state["step"], state["steps"]
        self.losses = state["losses"].tolist()


def fit(
    net: nn.Module,
    patches: Patches,
    settings: TrainSettings,
    streams: Streams,
    on_progress: Callable[[Training], None],
    *,
    resume: dict[str, Any] | None = None,
) -> Training:
    """Train `net` in place, on the device where it is, for `settings.epochs`.

    `on_progress` is called after every step and may raise to stop, or `end` it. `resume` is a
    former `Training.state()`: what follows is then the same, to the bit, as without the break.

    Raises:
        Diverged: a loss is not finite; noticed at the end of its epoch at the latest.
    """
    device = next(net.parameters()).device
    parameters = [p for p in net.parameters() if p.requires_grad]
    optimizer = settings.optimizer(parameters)
    rates = [group["lr"] for group in optimizer.param_groups]
    steps = settings.epochs * patches.steps_per_epoch
    factor = settings.schedule(steps, settings.epochs)
    distance = settings.loss()
    training = Training(net, optimizer, steps, patches.steps_per_epoch)
    if resume is not None:
        training.restore(resume)
    net.train()
    while training.step < training.steps:
        epoch, within = divmod(training.step, training.per_epoch)
        lr, hr = (as_images(pixels, device) for pixels in patches.batch(epoch, within))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor(training.step)
        torch.manual_seed(streams.torch_seed("noise", training.step))
        optimizer.zero_grad(set_to_none=True)
        loss = distance(net(lr), hr)
        loss.backward()  # type: ignore[no-untyped-call]
        if settings.clip is not None:
            nn.utils.clip_grad_norm_(parameters, settings.clip)
        optimizer.step()
        training.record(loss.detach())
        if training.at_epoch_end:
            training.read_losses()
        on_progress(training)
    return training


def as_images(pixels: np.ndarray, device: torch.device) -> Tensor:
    """uint8 pixels (N, H, W, 3) as float images (N, 3, H, W) in 0..1, channels last in memory."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float().div_(255)
