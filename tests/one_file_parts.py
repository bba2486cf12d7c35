"""Parts of every sort that a study measures and trains by, as a user writes them: one file."""

import numpy as np
import torch
from torch import nn

from srbench.core.part_facts import LearnerFacts, MetricFacts
from srbench.core.slots import attention, dataset, learner, loss, metric
from srbench.data.folders import home_or, images_below
from srbench.train.learner import Supervised


@metric.register("rmse", facts=MetricFacts(better="lower", heading="RMSE", validate=True))
def rmse():
    """Root of the mean squared error, 0..255. Ours."""
    return lambda sr, hr: float(np.sqrt(np.mean((sr.astype(float) - hr.astype(float)) ** 2)))


@metric.register("gain", facts=MetricFacts("dB", "higher"))
def gain():
    """Minus the error in dB. Ours."""
    return lambda sr, hr: -20 * float(np.log10(1 + rmse()(sr, hr)))


@learner.register("edged", facts=LearnerFacts(("loss/edge",)))
class Edged:
    """Supervised training that also follows the error of horizontal edges. Ours."""

    terms = ("loss/edge",)

    def __init__(self, net, settings, precision, streams):
        self.net, self.inner = net, Supervised(net, settings, precision, streams)

    @property
    def parts(self):
        return self.inner.parts

    def __call__(self, lr, hr):
        step = self.inner(lr, hr)
        with torch.no_grad():
            edge = (self.net(lr) - hr).diff(dim=-1).abs().mean()
        return torch.stack([step, edge])


@loss.register("rooted")
def rooted():
    """Root of the mean squared error. Ours."""
    return lambda sr, hr: ((sr - hr).square().mean() + 1e-9).sqrt()


@attention.register("gain_by_channel")
class GainByChannel(nn.Module):
    """Each channel times a learnt factor. Ours."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1, 1))

    def reset_parameters(self) -> None:
        nn.init.ones_(self.gain)

    def forward(self, x):
        return x * self.gain


@dataset.register("own_photos")
def own_photos(split: str, scale: int, *, path: str = "photos"):
    """The images of one folder. Ours."""
    return images_below(home_or(path), "own_photos")
