"""A few numbers of what a part computes, forwards and backwards, by which its version is held.

The numbers of a choice follow from its settings alone: inputs and weights come from seeds that do
not know what the part is called or where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

import numpy as np
import torch
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.errors import UserError
from srbench.core.layers import Layers
from srbench.core.outputs import by_factor
from srbench.core.pretrained import with_random_weights
from srbench.core.registry import Choice, Slot, settings
from srbench.core.streams import Streams
from srbench.measure.sets import Answers, SetScore
from srbench.train.initialise import initialise
from srbench.train.settings import training

Numbers = list[float]


def choices(slot: Slot, name: str) -> Iterator[Choice]:
    """The part with its defaults, and with each other value of a setting that has few."""
    plain = slot.parse(with_random_weights(slot, name))
    yield plain
    for key, (hint, _) in settings(slot.parts[name]).items():
        values = get_args(hint) if get_origin(hint) is Literal else ()
        for value in (False, True) if hint is bool else values:
            if value != plain[key]:
                yield plain.set(key, value)


def numbers(choice: Choice) -> Numbers:
    """What the choice computes."""
    torch.manual_seed(0)
    return OF[choice.slot.name](choice)


def image(*shape: int, seed: int = 0) -> Tensor:
    """Values in 0..1 that every torch and NumPy gives alike."""
    return torch.from_numpy(np.random.default_rng(seed).random(shape)).float()


def pixels(height: int, width: int, seed: int = 0) -> Any:
    """A smooth image with some noise, uint8 (H, W, 3)."""
    y, x = np.mgrid[0:height, 0:width] / 12
    smooth = np.stack(
        [120 + 90 * np.sin(x + y), 127 + 100 * np.cos(y), 90 + 60 * np.sin(2 * x)], -1
    )
    noise = np.random.default_rng(seed).normal(0, 6, smooth.shape)
    return (smooth + noise).clip(0, 255).astype(np.uint8)


def summary(*tensors: Tensor | None) -> Numbers:
    """Mean and mean absolute value of each; of None, nothing."""
    found = [t.detach().double() for t in tensors if t is not None and t.numel()]
    return [float(v) for t in found for v in (t.mean(), t.abs().mean())]


def through(module: nn.Module, *inputs: Tensor) -> Numbers:
    """Forwards and backwards, with weights drawn anew."""
    initialise(module, Streams(0))
    given = [x.clone().requires_grad_() for x in inputs]
    answers = list(by_factor(module(*(x.clone() for x in given)), inputs[0]).values())
    if any(y.requires_grad for y in answers):
        torch.stack([y.square().mean() for y in answers if y.requires_grad]).sum().backward()
    learnt = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return summary(*answers, *(x.grad for x in given), torch.cat(learnt) if learnt else None)


def layers() -> Layers:
    plain, leaky = slots.convolution.parse("plain"), slots.activation.parse("leaky_relu")
    return Layers(plain.build(), leaky.build())


WIDE, LR = (2, 8, 7, 6), (2, 3, 9, 8)


def of_model(choice: Choice) -> Numbers:
    return through(choice.build()(2), image(*LR))


def of_unit(choice: Choice) -> Numbers:
    return through(choice.build()(8, 2, layers()), image(*WIDE))


def of_convolution(choice: Choice) -> Numbers:
    return through(choice.build()(8, 12, 3, 2, 2), image(*WIDE))


def of_fuse(choice: Choice) -> Numbers:
    return through(choice.build()(8, 4, layers()), image(*WIDE))


def of_channels(choice: Choice) -> Numbers:
    return through(choice.build()(8), image(*WIDE) - 0.5)


def of_activation(choice: Choice) -> Numbers:
    return through(choice.build()(), image(*WIDE) - 0.5)


def of_upsampler(choice: Choice) -> Numbers:
    return through(choice.build()(8, 3, layers()), image(*WIDE))


def of_features(choice: Choice) -> Numbers:
    return summary(choice.build()()(image(2, 3, 8, 12)))


def of_skip(choice: Choice) -> Numbers:
    return through(choice.build()(2), image(2, 3, 14, 12), image(2, 3, 7, 6, seed=1))


def of_loss(choice: Choice) -> Numbers:
    sr, hr = image(2, 3, 24, 20).requires_grad_(), image(2, 3, 24, 20, seed=1)
    value = choice.build()()(sr, hr)
    value.backward()
    return summary(value, sr.grad)


def of_optimizer(choice: Choice) -> Numbers:
    weight = nn.Parameter(image(4, 3))
    optimizer = choice.build()([weight])
    for step in range(3):
        weight.grad = image(4, 3, seed=step + 1) - 0.5
        optimizer.step()
    return summary(weight)


def of_schedule(choice: Choice) -> Numbers:
    factor = choice.build()(100, 10)
    return [factor(step) for step in (0, 3, 10, 49, 50, 75, 99)]


def of_initialisation(choice: Choice) -> Numbers:
    module = nn.Conv2d(3, 5, 3)
    choice.build()(module)
    return summary(module.weight, module.bias)


def of_learner(choice: Choice) -> Numbers:
    net = nn.Conv2d(3, 3, 3, padding=1)
    initialise(net, Streams(0))
    asked = {"train": {"optimizer": {"sgd": {"lr": 0.1}}}}
    learner = choice.build()(net, training.parse(asked).build()(), "fp32", Streams(0))
    batch = image(2, 3, 16, 16)
    return [float(v) for _ in range(3) for v in learner(batch, batch).reshape(-1)]


def of_discriminator(choice: Choice) -> Numbers:
    return through(choice.build()(), image(2, 3, 16, 24))


def of_degradation(choice: Choice) -> Numbers:
    found = [choice.build()(scale)(pixels(24, 36), np.random.default_rng(1)) for scale in (2, 3)]
    return [float(one.astype(float).mean()) for one in found] + [float(found[0][3, 4, 1])]


def of_augmentation(choice: Choice) -> Numbers:
    values: Numbers = []
    for seed in range(3):
        pair = choice.build()()(pixels(12, 12), pixels(24, 24), np.random.default_rng(seed))
        values += [float(one[1, 2].mean()) for one in pair]
    return values


def of_metric(choice: Choice) -> Numbers:
    score, hr = choice.build()(), pixels(48, 40)
    sr = np.roll(hr, 1, 0)
    if not isinstance(score, SetScore):
        try:
            return [float(score(sr, hr))]
        except UserError:  # multi-scale SSIM needs larger images
            hr = pixels(192, 176)
            return [float(score(np.roll(hr, 1, 0), hr))]
    some = tuple(pixels(48, 40, seed) for seed in range(3))
    lr = tuple(one[::2, ::2].copy() for one in some)
    made = tuple(one.repeat(2, 0).repeat(2, 1) for one in lr)
    answers = Answers(("a", "b", "c"), lr, some, made, lambda x: x.repeat(2, 0).repeat(2, 1))
    return list(map(float, score(answers)))


def of_dataset(choice: Choice) -> Numbers:
    """What a dataset names is known by its content, in the manifest: the count is enough here."""
    return [float(len(choice.build()("train", 2)))]


OF: dict[str, Callable[[Choice], Numbers]] = {
    "attention": of_channels, "normalisation": of_channels,
    **{name.removeprefix("of_"): work for name, work in list(globals().items())
       if name.startswith("of_") and name != "of_channels"},
}  # fmt: skip
ABSENT = (UserError,)  # what needs a file or a package that is not here
