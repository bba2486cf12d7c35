"""fit: the training loop, plain and whole.

Everything random in it is a function of (seed, step), through named streams; the schedule is a
function of the step. So weights, optimizer and step are the whole state of a training.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from srbench.core.devices import MemoryOrder, Precision
from srbench.core.streams import Streams
from srbench.train.ahead import Patches
from srbench.train.engine import engine
from srbench.train.learner import Learner, Rates, restore, state_of
from srbench.train.precision import arithmetic, lay_out
from srbench.train.settings import TrainSettings

FIT_VERSION = 1
"""Part of every run's identity: raise it whenever `fit` gives other losses than before."""


class Diverged(ArithmeticError):
    """The loss is no longer a number."""

    def __init__(self, step: int, lr: float, last: float) -> None:
        super().__init__(
            f"the loss is not finite at step {step} (learning rate {lr:g}, last loss {last:.6g})"
        )
        self.step = step


class Training:
    """A training under way: what a checkpoint saves and a resumed run restores."""

    def __init__(self, learner: Learner, steps: int, per_epoch: int) -> None:
        self.learner = learner
        self.steps, self.per_epoch = steps, per_epoch
        self.step = 0  # steps finished
        self.lr = math.nan  # of the last step
        self.losses: list[float] = []  # of every finished step, up to the last `read_losses`
        self.terms: dict[str, list[float]] = {name: [] for name in learner.terms}  # likewise
        self._unread: list[Tensor] = []

    @property
    def net(self) -> nn.Module:
        return self.learner.net

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return self.step // self.per_epoch

    @property
    def at_epoch_end(self) -> bool:
        return self.step % self.per_epoch == 0

    def record(self, loss: Tensor) -> None:
        """Keep one step's loss and terms on the device; reading them would wait for it."""
        self._unread.append(loss)
        self.step += 1

    def read_losses(self) -> list[float]:
        """Bring the unread losses over and return all.

        Raises:
            Diverged: one of them is not finite.
        """
        if self._unread:
            new = torch.stack([values.reshape(-1) for values in self._unread]).tolist()
            self._unread.clear()
            for value, *terms in new:
                if not math.isfinite(value):
                    last = self.losses[-1] if self.losses else math.nan
                    raise Diverged(len(self.losses) + 1, self.lr, last)
                self.losses.append(value)
                for into, term in zip(self.terms.values(), terms, strict=True):
                    into.append(term)
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
            "terms": torch.tensor(list(self.terms.values()), dtype=torch.float64),
            **state_of(self.learner),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        restore(self.learner, state)
        self.step, self.steps = state["step"], state["steps"]
        self.losses = state["losses"].tolist()
        self.terms = dict(zip(self.terms, state["terms"].tolist(), strict=True))


def fit(
    net: nn.Module,
    patches: Patches,
    settings: TrainSettings,
    streams: Streams,
    on_progress: Callable[[Training], None],
    *,
    precision: Precision = "fp32",
    memory_order: MemoryOrder = "auto",
    resume: dict[str, Any] | None = None,
) -> Training:
    """Train `net` in place, on the device where it is, for `settings.epochs`.

    `on_progress` is called after every step and may raise to stop, or `end` it. `resume` is a
    former `Training.state()`: what follows is then the same, to the bit, as without the break.

    Raises:
        Diverged: a loss is not finite; noticed at the end of its epoch at the latest.
    """
    device = next(net.parameters()).device
    lay_out(net, precision, device, memory_order)
    learner: Learner = settings.learner(net, settings, precision, streams)
    rates = Rates(learner)
    steps = settings.epochs * patches.steps_per_epoch
    factor = settings.schedule(steps, settings.epochs)
    training = Training(learner, steps, patches.steps_per_epoch)
    if resume is not None:
        training.restore(resume)
    net.train()
    take = engine(learner, patches, device)
    generators = _generators(device)
    with arithmetic(precision):
        while training.step < training.steps:
            training.lr = rates.scale(factor(training.step))
            for generator in generators:
                generator.manual_seed(streams.torch_seed("noise", training.step))
            loss = take(*divmod(training.step, training.per_epoch))
            training.record(loss)
            if training.at_epoch_end:
                training.read_losses()
            on_progress(training)
    return training


def _generators(device: torch.device) -> list[torch.Generator]:
    """What steps draw from: `torch.manual_seed` would look at every device of every kind."""
    found = [torch.default_generator]
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        found.append(torch.cuda.default_generators[index])
    return found
