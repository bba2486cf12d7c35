"""Adversarial training: a discriminator learns to tell HR from SR, a network to deceive it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.optim import Optimizer

from srbench.core import slots
from srbench.core.devices import Precision
from srbench.core.outputs import largest
from srbench.core.part_facts import LearnerFacts
from srbench.core.registry import Positive, Range
from srbench.core.slots import Discriminator
from srbench.core.streams import Streams
from srbench.train.initialise import initialise
from srbench.train.learner import Settings, output_losses
from srbench.train.precision import compute


@slots.discriminator.register("patch")
class PatchDiscriminator(nn.Module):
    """Strided convolutions, so that every logit judges one patch of the image.

    channels  channels of the first convolution; each further one has twice as many
    depth     strided convolutions; with more, a logit judges a larger patch

    Isola et al., Image-to-image translation with conditional adversarial networks, 2017.
    https://arxiv.org/abs/1611.07004; here without normalisation, and with fewer channels.
    """

    def __init__(self, *, channels: Positive = 32, depth: Positive = 3) -> None:
        super().__init__()
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        inputs = 3
        for i in range(1, depth + 1):
            outputs = channels * 2 ** (i - 1)
            stages[f"conv_{i}"] = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
            stages[f"act_{i}"] = nn.LeakyReLU(0.2)
            inputs = outputs
        stages["exit"] = nn.Conv2d(inputs, 1, 3, padding=1)
        self.body = nn.Sequential(stages)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)  # (N, 1, H / 2**depth, W / 2**depth), rounded up
        return y


CURVES = ("loss/pixels", "loss/adversarial", "loss/discriminator")


@slots.learner.register("adversarial", facts=LearnerFacts(CURVES))
class Adversarial:
    """The study's loss plus `weight` times how well the discriminator tells SR from HR.

    weight                      factor of the adversarial loss beside the study's; larger favours
                                looks over PSNR
    updates, generator_updates  of either network in a step: their ratio
    lr_ratio                    the discriminator's learning rate against the generator's

    Both have an optimizer of the study's kind. Non-saturating losses; with several outputs the
    largest is judged. The curves loss/pixels, loss/adversarial and loss/discriminator follow the
    two networks.

    Goodfellow et al., Generative adversarial networks, 2014. https://arxiv.org/abs/1406.2661;
    for super-resolution Ledig et al., 2017. https://arxiv.org/abs/1609.04802
    """

    terms = CURVES

    def __init__(
        self,
        net: nn.Module,
        settings: Settings,
        precision: Precision,
        streams: Streams,
        *,
        discriminator: Discriminator = PatchDiscriminator,
        weight: Annotated[float, Range(0.0)] = 1e-3,
        updates: Positive = 1,
        generator_updates: Positive = 1,
        lr_ratio: Annotated[float, Range(0.0)] = 1.0,
    ) -> None:
        self.net, self.discriminator = net, discriminator()
        initialise(self.discriminator, streams)
        self.discriminator.to(next(net.parameters()).device)
        self.parameters = [p for p in net.parameters() if p.requires_grad]
        self.optimizer = settings.optimizer(self.parameters)
        self.critics = settings.optimizer(list(self.discriminator.parameters()))
        for group in self.critics.param_groups:
            group["lr"] *= lr_ratio
        self.distance, self.clip, self.weight = settings.loss(), settings.clip, weight
        self.updates, self.generator_updates = updates, generator_updates
        self.compute = compute(net, precision)

    @property
    def parts(self) -> Mapping[str, nn.Module | Optimizer]:
        return {
            "net": self.net,
            "optimizer": self.optimizer,
            "discriminator": self.discriminator,
            "discriminator_optimizer": self.critics,
        }

    def __call__(self, lr: Tensor, hr: Tensor) -> Tensor:
        self.compute.refresh()
        with torch.no_grad():
            sr = largest(self.compute(lr)).detach()
        for _ in range(self.updates):
            judged = self._judge(sr, hr)
        for _ in range(self.generator_updates):
            values = self._deceive(lr, hr)
        return torch.stack([*values, judged])

    def _judge(self, sr: Tensor, hr: Tensor) -> Tensor:
        """One step of the discriminator; its loss: 2 log 2 = 1.39 where it cannot tell."""
        self.critics.zero_grad(set_to_none=True)
        loss = softplus(-self.discriminator(hr)).mean() + softplus(self.discriminator(sr)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.critics.step()
        return loss.detach()

    def _deceive(self, lr: Tensor, hr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of the network; its loss, and the two that it is made of."""
        self.optimizer.zero_grad(set_to_none=True)
        self.compute.refresh()
        answer = self.compute(lr)
        pixels = torch.stack(output_losses(self.distance, answer, lr, hr)).sum()
        self.discriminator.requires_grad_(False)
        adversarial = softplus(-self.discriminator(largest(answer))).mean()
        self.discriminator.requires_grad_(True)
        loss = pixels + self.weight * adversarial
        loss.backward()  # type: ignore[no-untyped-call]
        self.compute.collect()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        return loss.detach(), pixels.detach(), adversarial.detach()
