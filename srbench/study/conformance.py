"""The laws that every registered part keeps, for srbench's own tests and for a plug-in's.

A plug-in's test is one line: `conformance.check(attention, "mine")`. A law takes slot and name,
and raises AssertionError with what is wrong; `laws` says which ones hold for a slot.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from srbench.core import slots
from srbench.core.document import parse as parse_yaml
from srbench.core.errors import UserError
from srbench.core.layers import Layers
from srbench.core.outputs import by_factor, factors_of, largest
from srbench.core.registry import Slot, settings, source_of
from srbench.core.streams import Streams
from srbench.measure.named import stated
from srbench.measure.sets import Answers, SetScore
from srbench.train.initialise import initialise
from srbench.train.learner import curves, restore, state_of
from srbench.train.settings import TrainSettings, training

Law = Callable[[Slot, str], None]
SCALES = (2, 3, 4)
SPLITS = ("train", "validate", "eval")


def check(slot: Slot, name: str) -> None:
    """Hold one part to every law of its slot, with its default settings.

    Raises:
        AssertionError: a law is broken.
    """
    for law in laws(slot):
        law(slot, name)


def laws(slot: Slot) -> tuple[Law, ...]:
    """The laws of a slot: those of every part, and its own."""
    return (says_what_it_is, survives_being_written, *LAWS.get(slot.name, ()))


def says_what_it_is(slot: Slot, name: str) -> None:
    """A docstring whose last paragraph cites a URL or says "Ours."."""
    source = source_of(slot.parts[name])
    _hold("https://" in source or "Ours" in source, f"cites nothing: {source!r}")


def survives_being_written(slot: Slot, name: str) -> None:
    """A choice is the same after JSON and after the words of a report, and is hashable."""
    choice = slot.parse(name)
    _hold(slot.parse(json.loads(json.dumps(choice.to_json()))) == choice, "JSON loses a setting")
    _hold(slot.parse(parse_yaml(str(choice)).value) == choice, f"{choice} is read differently")
    _hold(len({choice, slot.parse(name)}) == 1, "equal choices have different hashes")
    _hold(
        set(settings(slot.parts[name])) == {key for key, _ in choice.settings}, "a setting is lost"
    )


def _without_weights(slot: Slot, name: str) -> Any:
    """The part with its defaults, and random weights where it would read those of others."""
    hint, _ = settings(slot.parts[name]).get("weights", (None, None))
    return {name: {"weights": "none"}} if hint is str else name


def _network(slot: Slot, name: str) -> Iterator[tuple[nn.Module, tuple[Tensor, ...], Any]]:
    """(module, inputs, shape of its output) for the surroundings that the slot may meet."""
    build = slot.parse(_without_weights(slot, name)).build()
    plain, leaky = slots.convolution.parse("plain"), slots.activation.parse("leaky_relu")
    layers = Layers(plain.build(), leaky.build())
    wide = torch.rand(2, 8, 7, 6)
    if slot is slots.model:
        for scale in SCALES:
            yield build(scale), (torch.rand(2, 3, 7, 6),), (2, 3, 7 * scale, 6 * scale)
    elif slot is slots.unit:
        for rate in (1, 2):
            yield build(8, rate, layers), (wide,), wide.shape
            yield build(8, rate, layers), (wide, torch.rand_like(wide)), wide.shape
    elif slot is slots.convolution:
        for outputs, kernel, rate, groups in (
            (8, 3, 1, 1),
            (12, 3, 2, 1),
            (4, 1, 1, 1),
            (8, 3, 1, 2),
        ):
            yield build(8, outputs, kernel, rate, groups), (wide,), (2, outputs, 7, 6)
        yield build(3, 8, 3, 1, 1), (torch.rand(2, 3, 7, 6),), (2, 8, 7, 6)
    elif slot is slots.features:
        net = build()
        yield net, (torch.rand(2, 3, 8, 12),), (2, net.channels, 8, 12)
    elif slot is slots.fuse:
        yield build(8, 4, layers), (wide,), (2, 4, 7, 6)
    elif slot is slots.upsampler:
        for scale in SCALES:
            yield build(8, scale, layers), (wide,), (2, 8, 7 * scale, 6 * scale)
    elif slot is slots.skip:
        for scale in SCALES:
            output = torch.rand(2, 3, 7 * scale, 6 * scale)
            yield build(scale), (output, torch.rand(2, 3, 7, 6)), output.shape
    else:  # attention, activation, normalisation
        yield build(*(8 for _ in slot.gives)), (wide,), wide.shape


def gives_the_shape_of_its_slot(slot: Slot, name: str) -> None:
    """Height and width are kept, or multiplied by the scale; values are finite."""
    for module, inputs, shape in _network(slot, name):
        answer = module(*(x.clone() for x in inputs))
        y = largest(answer)
        _hold(y.shape == shape, f"gives {tuple(y.shape)}, not {tuple(shape)}")
        found = by_factor(answer, inputs[0])
        named = factors_of(module)
        _hold(not named or tuple(found) == named, f"answers at {tuple(found)}, names {named}")
        for factor, image in found.items():
            wanted = tuple(side * factor for side in inputs[0].shape[-2:])
            _hold(not named or image.shape[-2:] == wanted, f"x{factor} is {tuple(image.shape)}")
            _hold(bool(image.isfinite().all()), "gives values that are not finite")


def every_parameter_gets_a_gradient(slot: Slot, name: str) -> None:
    """No parameter is out of reach of the output, and none gets NaN."""
    for module, inputs, _ in _network(slot, name):
        answer = module(*(x.clone() for x in inputs))
        seen = [y for y in by_factor(answer, inputs[0]).values() if y.requires_grad]
        if seen:
            total = torch.stack([y.square().sum() for y in seen]).sum()
            total.backward()  # type: ignore[no-untyped-call]
        learnt = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
        dead = [n for n, p in learnt if p.grad is None or not p.grad.isfinite().all()]
        _hold(not dead, f"no (finite) gradient reaches {', '.join(dead)}")


def same_seed_same_weights(slot: Slot, name: str) -> None:
    """`initialise` covers every parameter, and depends on the seed alone."""
    for module, _, _ in _network(slot, name):
        with torch.no_grad():
            for p in module.parameters():
                p.fill_(math.nan)
        initialise(module, Streams(0))
        first = {n: p.detach().clone() for n, p in module.named_parameters()}
        left = [n for n, p in first.items() if p.isnan().any()]
        _hold(not left, f"no reset_parameters initialises {', '.join(left)}")
        torch.rand(1)
        initialise(module, Streams(0))
        other = [n for n, p in module.named_parameters() if not torch.equal(p, first[n])]
        _hold(not other, f"one seed gives two values of {', '.join(other)}")


def weights_have_names(slot: Slot, name: str) -> None:
    """No place in a list on the path of a parameter: initial weights are seeded by path."""
    for module, _, _ in _network(slot, name):
        numbered = [n for n, _ in module.named_parameters() if any(map(str.isdigit, n.split(".")))]
        _hold(not numbered, f"numbers instead of names: {', '.join(numbered)}")


def images_do_not_meet(slot: Slot, name: str) -> None:
    """When scored, what an image becomes does not depend on its neighbours in the batch."""
    for module, inputs, _ in _network(slot, name):
        module.eval()
        with torch.no_grad():
            both = by_factor(module(*(x.clone() for x in inputs)), inputs[0])
            alone = by_factor(module(*(x[:1].clone() for x in inputs)), inputs[0])
        same = all(torch.allclose(both[k][:1], alone[k], atol=1e-5) for k in both)
        _hold(same, "an image's neighbours change it")


def stays_on_its_device(slot: Slot, name: str) -> None:
    """A step neither waits for its device nor brings anything to it: a CUDA graph can hold it.

    Shown on the meta device, where nothing has a value that could be asked for. What is made at
    the first step and kept may come from the host.
    """
    for step in _steps(slot, name):
        host = OnHost()
        try:
            step()
            with host:
                step()
        except (RuntimeError, NotImplementedError) as problem:
            raise AssertionError(f"cannot be computed without values: {problem}") from problem
        _hold(not host.seen, f"works on the host as well: {', '.join(host.seen)}")


class OnHost(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operations that a tensor on the host has a part in."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = func(*args, **(kwargs or {}))
        tensors = (t for t in tree_leaves((args, kwargs, answer)) if isinstance(t, Tensor))
        if any(t.device.type == "cpu" for t in tensors):
            self.seen.append(str(func))
        return answer


def _steps(slot: Slot, name: str) -> Iterator[Callable[[], None]]:
    """What a part does in a training's step, backwards too, on the meta device."""
    lr, hr = (torch.rand(2, 3, side, side, device="meta") for side in (16, 32))
    if slot is slots.learner:
        asked = {"train": {"clip": 0.1}}
        train = replace(training.parse(asked).build()(), optimizer=lambda p: optim.SGD(p, 0.1))
        net = nn.ConvTranspose2d(3, 3, 2, stride=2).to("meta")
        learner = slot.parse(name).build()(net, train, "fp32", Streams(0))
        yield lambda: learner(lr, hr)
    elif slot is slots.loss:
        distance = slot.parse(_without_weights(slot, name)).build()()
        yield lambda: distance(hr.clone().requires_grad_(), hr).backward()
    elif slot is slots.discriminator:
        judge = slot.parse(name).build()().to("meta")
        yield lambda: judge(hr).square().sum().backward()
    else:
        for module, inputs, _ in _network(slot, name):
            initialise(module, Streams(0))
            module.to("meta")
            yield partial(_there_and_back, module, [x.to("meta") for x in inputs])


def _there_and_back(module: nn.Module, inputs: Sequence[Tensor]) -> None:
    answers = by_factor(module(*inputs), inputs[0]).values()
    learnt = [y.square().sum() for y in answers if y.requires_grad]
    if learnt:
        torch.stack(learnt).sum().backward()  # type: ignore[no-untyped-call]


def measures_a_distance(slot: Slot, name: str) -> None:
    """A loss is a finite scalar, least where SR is HR and less near it; its gradient reaches SR."""
    distance = slot.parse(_without_weights(slot, name)).build()()
    hr = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    values = []
    for share in (0.0, 0.1, 1.0):  # of the negative
        sr = ((1 - share) * hr + share * (1 - hr)).requires_grad_()
        value = distance(sr, hr)
        _hold(value.shape == (), f"gives {tuple(value.shape)}, not a scalar")
        _hold(bool(value.isfinite()), f"gives {value.item()}")
        (gradient,) = torch.autograd.grad(value, sr)
        _hold(bool(gradient.isfinite().all()), "has a gradient that is not finite")
        _hold(not share or bool(gradient.any()), "has no gradient where SR is not HR")
        values.append(value.item())
    _hold(values == sorted(set(values)), f"gives {values} from HR itself to its negative")


def goes_downhill(slot: Slot, name: str) -> None:
    """One step of an optimizer lowers a parabola, and its state survives being saved."""
    make = slot.parse(name).build()
    weight = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = make([weight])
    before = weight.square().sum()
    before.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    _hold(bool(weight.square().sum() < before), "one step goes uphill")
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
        _hold(not bool(found[0].isnan().any()), f"leaves weights of {type(module).__name__}")
        _hold(torch.equal(*found), "one seed gives two values")


def takes_steps(slot: Slot, name: str) -> None:
    """A learner lowers its loss, names what it gives, and goes on from a state to the same bits."""
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
    _hold(not unnamed, f"gives {sorted(unnamed)}, which no facts of a learner name")
    values = [one(batch, batch).reshape(-1) for _ in range(20)]
    _hold(all(v.numel() == 1 + len(one.terms) for v in values), f"gives {values[0].numel()} values")
    _hold(bool(values[-1][0] < values[0][0]), "does not lower its loss")
    restore(other, deepcopy(state_of(one)))
    _hold(torch.equal(one(batch, batch), other(batch, batch)), "a part of its state is not saved")


def judges_images(slot: Slot, name: str) -> None:
    """A discriminator gives logits (N, 1, ...), and every parameter of it gets a gradient."""
    module = slot.parse(name).build()()
    initialise(module, Streams(0))
    logits = module(torch.rand(2, 3, 24, 32))
    _hold(logits.shape[:2] == (2, 1), f"gives {tuple(logits.shape)}, not (2, 1, ...)")
    logits.square().sum().backward()
    dead = [n for n, p in module.named_parameters() if p.grad is None]
    _hold(not dead, f"no gradient reaches {', '.join(dead)}")


def stays_a_factor(slot: Slot, name: str) -> None:
    """A schedule is between 0 and 1 and a function of the step alone, for runs of any length."""
    make = slot.parse(name).build()
    for steps, epochs in ((1, 1), (7, 3), (40, 4), (100, 10)):
        factor = make(steps, epochs)
        forward = [factor(step) for step in range(steps)]
        wrong = [f for f in forward if not (math.isfinite(f) and 0 <= f <= 1)]
        _hold(not wrong, f"gives {wrong} in a run of {steps} steps")
        fresh = make(steps, epochs)
        backward = [fresh(step) for step in reversed(range(steps))][::-1]
        _hold(forward == backward, "remembers the steps before")


def names_its_images(slot: Slot, name: str) -> None:
    """A dataset names files that exist, each once, or says plainly what it needs."""
    for split in SPLITS:
        try:
            files = slot.parse(name).build()(split, 2)
        except UserError as error:
            _hold(name in str(error).lower(), f"fails without its name: {error}")
            continue
        _hold(len({f.name for f in files}) == len(files) > 0, "two images share a name")
        _hold(all(f.hr.is_file() for f in files), "a file is not there")


def degrades(slot: Slot, name: str) -> None:
    """HR becomes uint8 of its own size or of LR's, by the generator alone; HR is left alone."""
    for scale in SCALES:
        degrade = slot.parse(name).build()(scale)
        hr = np.random.default_rng(0).integers(0, 256, (24, 36, 3), dtype=np.uint8)
        kept = hr.copy()
        lr, again = (degrade(hr, np.random.default_rng(1)) for _ in range(2))
        _hold(lr.dtype == np.uint8, f"gives {lr.dtype}, not uint8")
        sizes = ((24, 36, 3), (24 // scale, 36 // scale, 3))
        _hold(lr.shape in sizes, f"gives {lr.shape} at x{scale}")
        _hold(bool((lr == again).all()), "draws from elsewhere than the generator")
        _hold(bool((hr == kept).all()), "changes its input")


def changes_both_patches_alike(slot: Slot, name: str) -> None:
    """An augmentation commutes with repeating pixels, and draws from the generator alone.

    One that `resamples` or smooths does so nearly, on an image without sharp edges.
    """
    augment = slot.parse(name).build()()
    exact = not getattr(augment, "resamples", False)
    y, x = np.mgrid[0:16, 0:16] / 16
    smooth = np.stack([127 + 90 * np.sin(6 * x), 127 + 90 * np.cos(5 * y), 200 * x * y], -1)
    noise = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    lr = noise if exact else smooth.astype(np.uint8)
    hr = lr.repeat(2, 0).repeat(2, 1)
    for seed in range(8):
        a, b = augment(lr.copy(), hr.copy(), np.random.default_rng(seed))
        _hold(a.shape == lr.shape and b.shape == hr.shape, "changes the size")
        _hold(a.dtype == b.dtype == np.uint8, f"gives {a.dtype} and {b.dtype}, not uint8")
        apart = np.abs(a.repeat(2, 0).repeat(2, 1).astype(float) - b).mean()
        _hold(bool(apart <= (0 if exact else 8)), f"LR is {apart:.1f} of 255 from HR")
        again, _ = augment(lr.copy(), hr.copy(), np.random.default_rng(seed))
        _hold(bool((a == again).all()), "draws from elsewhere than the generator")


def scores(slot: Slot, name: str) -> None:
    """A metric is a number (or inf), and best where SR is HR; of a whole set, one number an image.

    One that cannot be had with its defaults says plainly what it needs.
    """
    try:
        score = slot.parse(_without_weights(slot, name)).build()()
    except UserError as error:
        _hold(name in str(error), f"fails without its name: {error}")
        return
    if isinstance(score, SetScore):
        _scores_a_set(score)
        return
    hr = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    coarse = hr[::2, ::2].repeat(2, 0).repeat(2, 1)  # half the detail, and then its negative
    equal, different = score(hr.copy(), hr), score(255 - coarse, hr)
    for value in (equal, different):
        _hold(isinstance(value, float) and not math.isnan(value), f"gives {value!r}")
    sign = -1 if stated(slot.parse(name)).better == "lower" else 1
    _hold(sign * equal > sign * different, f"prefers {different} to {equal}")


def _scores_a_set(score: SetScore) -> None:
    """One number an image, the same when asked again; a network's answers are left alone."""
    generator = np.random.default_rng(0)
    hr = tuple(generator.integers(0, 256, (48, 40, 3), dtype=np.uint8) for _ in range(3))
    lr = tuple(image[::2, ::2].copy() for image in hr)

    def again(image: Any) -> Any:
        return image.repeat(2, 0).repeat(2, 1)

    answers = Answers(("one", "two", "three"), lr, hr, tuple(map(again, lr)), again)
    kept = deepcopy((answers.hr, answers.lr, answers.sr))
    values = list(score(answers))
    _hold(len(values) == 3, f"gives {len(values)} numbers for 3 images")
    for value in values:
        _hold(isinstance(value, float) and not math.isnan(value), f"gives {value!r}")
    _hold(values == list(score(answers)), "gives other numbers when asked again")
    same = all(map(np.array_equal, sum(kept, ()), answers.hr + answers.lr + answers.sr))
    _hold(same, "changes its input")


def _hold(kept: bool, broken: str) -> None:
    if not kept:
        raise AssertionError(broken)


_LAYER_LAWS: tuple[Law, ...] = (
    gives_the_shape_of_its_slot,
    every_parameter_gets_a_gradient,
    same_seed_same_weights,
    weights_have_names,
    images_do_not_meet,
    stays_on_its_device,
)
LAWS: dict[str, tuple[Law, ...]] = {
    **dict.fromkeys(
        (
            "model",
            "unit",
            "convolution",
            "fuse",
            "attention",
            "activation",
            "normalisation",
            "upsampler",
            "features",
            "skip",
        ),
        _LAYER_LAWS,
    ),
    "loss": (measures_a_distance, stays_on_its_device),
    "optimizer": (goes_downhill,),
    "schedule": (stays_a_factor,),
    "learner": (takes_steps, stays_on_its_device),
    "discriminator": (judges_images, stays_on_its_device),
    "initialisation": (draws_by_the_generator_alone,),
    "dataset": (names_its_images,),
    "degradation": (degrades,),
    "augmentation": (changes_both_patches_alike,),
    "metric": (scores,),
}
