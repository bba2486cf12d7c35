"""What registered parts of training must do: losses, optimizers, schedules, learners and others.

A law takes slot and name of a part, and raises AssertionError with what is wrong.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn, optim

from srbench.core.pretrained import with_random_weights
from srbench.core.registry import Laws, Slot
from srbench.core.streams import Streams
from srbench.train.initialise import initialise
from srbench.train.learner import curves, restore, state_of
from srbench.train.network_laws import hold_on_device
from srbench.train.settings import TrainSettings, training


def measures_a_distance(slot: Slot, name: str) -> None:
    """A loss is a finite scalar, least where SR is HR and less near it; its gradient reaches SR."""
    distance = slot.parse(with_random_weights(slot, name)).build()()
    hr = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    values = []
    for share in (0.0, 0.1, 1.0):  # of the negative
        sr = ((1 - share) * hr + share * (1 - hr)).requires_grad_()
        value = distance(sr, hr)
        assert value.shape == (), f"gives {tuple(value.shape)}, not a scalar"
        assert value.isfinite(), f"gives {value.item()}"
        (gradient,) = torch.autograd.grad(value, sr)
        assert gradient.isfinite().all(), "has a gradient that is not finite"
        assert not share or bool(gradient.any()), "has no gradient where SR is not HR"
        values.append(value.item())
    assert values == sorted(set(values)), f"gives {values} from HR itself to its negative"


def goes_downhill(slot: Slot, name: str) -> None:
    """One step of an optimizer lowers a parabola, and its state survives being saved."""
    make = slot.parse(name).build()
    weight = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = make([weight])
    before = weight.square().sum()
    before.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert weight.square().sum() < before, "one step goes uphill"
    again = make([nn.Parameter(weight.detach().clone())])
    again.load_state_dict(optimizer.state_dict())


def draws_by_the_generator_alone(slot: Slot, name: str) -> None:
    """An initialisation sets every parameter of torch's layers, the same for the same seed."""
    draw = slot.parse(name).build()
    for module in (nn.Conv2d(3, 4, 3), nn.Linear(3, 4), nn.BatchNorm2d(4), nn.PReLU()):
        found = []
        for _ in range(2):
            with torch.no_grad():
                for p in module.parameters():
                    p.fill_(math.nan)
            torch.manual_seed(0)
            draw(module)
            found.append(torch.cat([p.detach().flatten() for p in module.parameters()]))
        assert not bool(found[0].isnan().any()), f"leaves weights of {type(module).__name__}"
        assert torch.equal(*found), "one seed gives two values"


def takes_steps(slot: Slot, name: str) -> None:
    """A learner lowers its loss, names its curves, and resumes from a state to the same bits."""
    asked = {"train": {"optimizer": {"adam": {"lr": 1e-2}}}}
    train: TrainSettings = training.parse(asked).build()()
    batch = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    made = []
    for _ in range(2):
        net = nn.Conv2d(3, 3, 3, padding=1)
        initialise(net, Streams(0))
        made.append(slot.parse(name).build()(net, train, "fp32", Streams(0)))
    one, other = made
    unnamed = set(one.terms) - set(curves())
    assert not unnamed, f"gives {sorted(unnamed)}, which no facts of a learner name"
    values = [one(batch, batch).reshape(-1) for _ in range(20)]
    assert all(v.numel() == 1 + len(one.terms) for v in values), f"gives {values[0].numel()} values"
    assert values[-1][0] < values[0][0], "does not lower its loss"
    restore(other, deepcopy(state_of(one)))
    after = []
    for learner in (one, other):
        torch.manual_seed(0)  # as `fit` does before each step
        after.append(learner(batch, batch))
    assert torch.equal(*after), "a part of its state is not saved"


def judges_images(slot: Slot, name: str) -> None:
    """A discriminator gives logits (N, 1, ...), and every parameter of it gets a gradient."""
    module = slot.parse(name).build()()
    initialise(module, Streams(0))
    logits = module(torch.rand(2, 3, 24, 32))
    assert logits.shape[:2] == (2, 1), f"gives {tuple(logits.shape)}, not (2, 1, ...)"
    logits.square().sum().backward()
    dead = [n for n, p in module.named_parameters() if p.grad is None]
    assert not dead, f"no gradient reaches {', '.join(dead)}"


def stays_a_factor(slot: Slot, name: str) -> None:
    """A schedule is between 0 and 1 and a function of the step alone, for runs of any length."""
    make = slot.parse(name).build()
    for steps, epochs in ((1, 1), (7, 3), (40, 4), (100, 10)):
        factor = make(steps, epochs)
        forward = [factor(step) for step in range(steps)]
        wrong = [f for f in forward if not (math.isfinite(f) and 0 <= f <= 1)]
        assert not wrong, f"gives {wrong} in a run of {steps} steps"
        fresh = make(steps, epochs)
        backward = [fresh(step) for step in reversed(range(steps))][::-1]
        assert forward == backward, "remembers the steps before"


def a_loss_stays_on_its_device(slot: Slot, name: str) -> None:
    """A loss and its gradient need neither values nor the host."""
    distance = slot.parse(with_random_weights(slot, name)).build()()
    hr = torch.rand(2, 3, 32, 32, device="meta")
    hold_on_device(lambda: distance(hr.clone().requires_grad_(), hr).backward())


def a_step_stays_on_its_device(slot: Slot, name: str) -> None:
    """A learner's step needs neither values nor the host."""
    lr, hr = (torch.rand(2, 3, side, side, device="meta") for side in (16, 32))
    settings = training.parse({"train": {"clip": 0.1}}).build()()
    settings = replace(settings, optimizer=lambda p: optim.SGD(p, 0.1))
    net = nn.ConvTranspose2d(3, 3, 2, stride=2).to("meta")
    learner = slot.parse(name).build()(net, settings, "fp32", Streams(0))
    hold_on_device(lambda: learner(lr, hr))


def a_judge_stays_on_its_device(slot: Slot, name: str) -> None:
    """A discriminator, forward and backward, needs neither values nor the host."""
    hr = torch.rand(2, 3, 32, 32, device="meta")
    judge = slot.parse(name).build()().to("meta")
    hold_on_device(lambda: judge(hr).square().sum().backward())


LAWS: Laws = {
    "loss": (measures_a_distance, a_loss_stays_on_its_device),
    "optimizer": (goes_downhill,),
    "schedule": (stays_a_factor,),
    "learner": (takes_steps, a_step_stays_on_its_device),
    "discriminator": (judges_images, a_judge_stays_on_its_device),
    "initialisation": (draws_by_the_generator_alone,),
}
