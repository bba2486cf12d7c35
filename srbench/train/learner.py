"""What one step of a training does: losses, backward, optimizer.

This is the seam of the trainer: `fit` says when a step is taken, an engine how (called, or
replayed as a CUDA graph), a learner what happens in it. A training with other losses, several
outputs or a second network that judges the first is another learner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from srbench.core import slots
from srbench.core.devices import Precision
from srbench.core.outputs import Answer, by_factor, factors_of, shrunk
from srbench.core.part_facts import LearnerFacts
from srbench.core.streams import Streams
from srbench.train.precision import compute

Distance = Callable[[Tensor, Tensor], Tensor]


class Learner(Protocol):
    """Everything that steps change. A call takes one step on a batch and gives its loss.

    A step must not wait for the device (no `.item()`, no branch on a value), so that a CUDA graph
    can hold it; what it draws comes from torch's generator, which `fit` seeds for each step.
    """

    @property
    def net(self) -> nn.Module:
        """The network that is scored."""

    @property
    def parts(self) -> Mapping[str, nn.Module | Optimizer]:
        """All that steps change, by its name in a checkpoint; schedules scale its optimizers."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of what a call gives after the loss, a curve each, among those its facts name."""

    def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
        """LR (N, 3, h, w) and HR (N, 3, H, W) in 0..1, fp32, channels last.

        The loss, detached; where there are terms, (1 + terms,) with the loss first.
        """


class Settings(Protocol):
    """What learners take from the settings under `train:`."""

    @property
    def optimizer(self) -> Callable[[list[nn.Parameter]], Optimizer]: ...
    @property
    def loss(self) -> Callable[[], Distance]: ...
    @property
    def clip(self) -> float | None: ...


OUTPUT_LOSSES = ("loss/x2", "loss/x3", "loss/x4", "loss/x8")
"""Curves of a network with several outputs, one for each."""


@slots.learner.register("supervised", facts=LearnerFacts(OUTPUT_LOSSES))
class Supervised:
    """One network, one loss of each output against HR of its size, one optimizer.

    Dong et al., Image super-resolution using deep convolutional networks, 2016.
    https://arxiv.org/abs/1501.00092
    """

    def __init__(
        self, net: nn.Module, settings: Settings, precision: Precision, streams: Streams
    ) -> None:
        self.net = net
        self.parameters = [p for p in net.parameters() if p.requires_grad]
        self.optimizer = settings.optimizer(self.parameters)
        self.distance = settings.loss()
        self.clip = settings.clip
        self.compute = compute(net, precision)
        self.terms = tuple(f"loss/x{factor}" for factor in factors_of(net))

    @property
    def parts(self) -> Mapping[str, nn.Module | Optimizer]:
        return {"net": self.net, "optimizer": self.optimizer}

    def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        self.compute.refresh()
        found = self.backward(lr, hr)
        self.compute.collect()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        return found

    def backward(self, lr: Tensor, hr: Tensor, share: float = 1.0) -> Tensor:
        """Add the gradients of a batch that is this share of the step; its share of the loss."""
        losses = output_losses(self.distance, self.compute(lr), lr, hr)
        if share != 1:
            losses = [share * one for one in losses]
        loss = torch.stack(losses).sum() if len(losses) > 1 else losses[0]
        loss.backward()  # type: ignore[no-untyped-call]
        return torch.stack([loss, *losses]).detach() if self.terms else loss.detach()


def output_losses(distance: Distance, answer: Answer, lr: Tensor, hr: Tensor) -> list[Tensor]:
    """The loss of each output against HR of its size, smallest output first."""
    return [
        distance(image, shrunk(hr, *image.shape[-2:])) for image in by_factor(answer, lr).values()
    ]


def curves() -> tuple[str, ...]:
    """The loss, and every curve that a registered learner names."""
    named = (name for facts in slots.learner.facts.values() for name in facts.curves)
    return tuple(dict.fromkeys(("loss", *named)))


def optimizers(learner: Learner) -> list[Optimizer]:
    """A learner's optimizers, in the order of their names' appearance."""
    return [part for part in learner.parts.values() if isinstance(part, Optimizer)]


def state_of(learner: Learner) -> dict[str, Any]:
    """What a checkpoint stores of a learner."""
    return {name: part.state_dict() for name, part in learner.parts.items()}


def restore(learner: Learner, state: Mapping[str, Any]) -> None:
    """Restore what `state_of` gave."""
    for name, part in learner.parts.items():
        part.load_state_dict(state[name])


class Rates:
    """The learning rates of optimizers as they were made: what a schedule scales."""

    def __init__(self, learner: Learner) -> None:
        self.optimizers = optimizers(learner)
        self.first = [float(group["lr"]) for group in self._groups()]

    def scale(self, factor: float) -> float:
        """Set every rate to its first value times the factor; the rate of the first group."""
        for group, rate in zip(self._groups(), self.first, strict=True):
            if isinstance(group["lr"], Tensor):  # read by a CUDA graph
                group["lr"].fill_(rate * factor)
            else:
                group["lr"] = rate * factor
        return self.first[0] * factor

    def _groups(self) -> list[dict[str, Any]]:  # restoring an optimizer makes new ones
        return [group for made in self.optimizers for group in made.param_groups]
