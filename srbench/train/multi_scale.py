"""Training at several scales at once: each step is of one, and the shared body learns from all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from torch import Tensor, nn
from torch.optim import Optimizer

from srbench.core import slots
from srbench.core.devices import Precision
from srbench.core.outputs import computing_at
from srbench.core.registry import Range
from srbench.core.streams import Streams
from srbench.train.learner import Settings, Supervised

Scale = Annotated[int, Range(2, 8)]


@slots.learner.register("multi_scale")
class MultiScale:
    """Batches of one scale each, drawn at random, for a network with an upsampler for each scale.

    scales  those trained at, the study's among them; LR patches are as large at every scale

    A step trains the body and the upsampler of its scale. Validation and scores are of the study's
    scale; the curve `loss` is over the steps of all scales, and does not compare with that of a
    training at one.

    Ahn et al., Fast, accurate, and lightweight super-resolution with cascading residual network,
    2018. https://arxiv.org/abs/1803.08664; code: https://github.com/nmhkahn/CARN-pytorch
    """

    def __init__(
        self,
        net: nn.Module,
        settings: Settings,
        precision: Precision,
        streams: Streams,
        *,
        scales: tuple[Scale, ...] = (2, 3, 4),
    ) -> None:
        self.net, self.scales = net, scales
        self.learner = Supervised(net, settings, precision, streams)

    @property
    def parts(self) -> Mapping[str, nn.Module | Optimizer]:
        return self.learner.parts

    @property
    def terms(self) -> tuple[str, ...]:
        return self.learner.terms

    def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
        with computing_at(self.net, hr.shape[-2] // lr.shape[-2]):
            return self.learner(lr, hr)
