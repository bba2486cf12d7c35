"""Gradient accumulation: a step on a batch that is too large for memory, in parts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.devices import Precision
from srbench.core.part_facts import LearnerFacts
from srbench.core.registry import Positive
from srbench.core.streams import Streams
from srbench.train.learner import OUTPUT_LOSSES, Settings, Supervised


@slots.learner.register("accumulated", facts=LearnerFacts(OUTPUT_LOSSES))
class Accumulated(Supervised):
    """The supervised step with its batch in parts, whose gradients are added.

    `batch` stays the number of patches in a step. The step is the same up to rounding where the
    loss is a mean over patches; batch normalisation sees each part by itself.

    parts  in how many parts a batch goes through the network; memory falls with it

    Ott et al., Scaling neural machine translation, 2018. https://arxiv.org/abs/1806.00187
    """

    def __init__(
        self,
        net: nn.Module,
        settings: Settings,
        precision: Precision,
        streams: Streams,
        *,
        parts: Positive = 2,
    ) -> None:
        super().__init__(net, settings, precision, streams)
        self.count = parts

    def backward(self, lr: Tensor, hr: Tensor, share: float = 1.0) -> Tensor:
        size = -(-len(lr) // self.count)
        pairs = zip(torch.split(lr, size), torch.split(hr, size), strict=True)
        found = [super(Accumulated, self).backward(a, b, len(a) / len(lr)) for a, b in pairs]
        return torch.stack(found).sum(0)
