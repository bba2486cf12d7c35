"""Mixup: each patch of a batch blended with another one, LR and HR alike."""

from __future__ import annotations

from collections.abc import Mapping
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


@slots.learner.register("mixup")
class Mixup:
    """Blend each pair of patches with another of its batch: share * one + (1 - share) * other.

    The share is drawn once a step, evenly from 0 to 1, which is the paper's Beta(1, 1); Yoo et al.
    draw from Beta(1.2, 1.2).

    of  the learner that gets the blended batch
    p   probability that a batch is blended, 0 to 1

    Zhang et al., mixup: Beyond empirical risk minimization, 2018. https://arxiv.org/abs/1710.09412;
    for super-resolution Yoo et al., 2020. https://arxiv.org/abs/2004.00448
    """

    def __init__(
        self,
        net: nn.Module,
        settings: Settings,
        precision: Precision,
        streams: Streams,
        *,
        of: Learning = Supervised,
        p: Annotated[float, Range(0.0, 1.0)] = 1.0,
    ) -> None:
        self.learner: Learner = of(net, settings, precision, streams)
        self.p = p

    @property
    def net(self) -> nn.Module:
        return self.learner.net

    @property
    def parts(self) -> Mapping[str, nn.Module | Optimizer]:
        return self.learner.parts

    @property
    def terms(self) -> tuple[str, ...]:
        return self.learner.terms

    def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
        share, chance = torch.rand(2, device=lr.device)
        share = torch.where(chance < self.p, share, 1.0)
        other = torch.rand(len(lr), device=lr.device).argsort()
        return self.learner(*(share * x + (1 - share) * x[other] for x in (lr, hr)))
