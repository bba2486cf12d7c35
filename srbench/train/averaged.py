"""A moving average of weights: one network is trained, and another, which follows it, is scored."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from srbench.core import slots
from srbench.core.devices import Precision
from srbench.core.registry import Range
from srbench.core.slots import Learning
from srbench.core.streams import Streams
from srbench.train.learner import Learner, Settings, Supervised


@slots.learner.register("averaged")
class Averaged:
    """Score an exponential moving average (EMA) of the weights that another learner trains.

    of     the learner that trains
    decay  share of the average that each step leaves: the average reaches back about
           1 / (1 - decay) steps, and the initial weights count as the first of them

    Buffers, such as the means of batch normalisation, are those of the last step.

    Polyak, Juditsky, Acceleration of stochastic approximation by averaging, 1992.
    https://doi.org/10.1137/0330046
    """

    def __init__(
        self,
        net: nn.Module,
        settings: Settings,
        precision: Precision,
        streams: Streams,
        *,
        of: Learning = Supervised,
        decay: Annotated[float, Range(0.0, 1.0)] = 0.999,
    ) -> None:
        self.net, trained = net, deepcopy(net)
        self.learner: Learner = of(trained, settings, precision, streams)
        self.share = 1 - decay
        self._weights: list[Tensor] = [*net.parameters()]
        self._trained: list[Tensor] = [*trained.parameters()]
        self._buffers = [*zip(net.buffers(), trained.buffers(), strict=True)]

    @property
    def parts(self) -> Mapping[str, nn.Module | Optimizer]:
        own = {f"trained {name}": part for name, part in self.learner.parts.items()}
        return {"net": self.net, **own}

    @property
    def terms(self) -> tuple[str, ...]:
        return self.learner.terms

    def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
        loss = self.learner(lr, hr)
        with torch.no_grad():
            torch._foreach_lerp_(self._weights, self._trained, self.share)
            for own, trained in self._buffers:
                own.copy_(trained)
        return loss
