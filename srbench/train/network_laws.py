"""What a registered piece of a network must do, so that a comparison of blocks means something.

A law takes slot and name of a part, and raises AssertionError with what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from srbench.core import slots
from srbench.core.fused import fused
from srbench.core.layers import Layers
from srbench.core.outputs import by_factor, factors_of, largest
from srbench.core.pretrained import with_random_weights
from srbench.core.registry import Laws, Slot
from srbench.core.streams import Streams
from srbench.train.initialise import initialise

SCALES = (2, 3, 4)
FUSED_WITHIN = 1e-5
FORMATS_WITHIN = 1e-4


def _network(slot: Slot, name: str) -> Iterator[tuple[nn.Module, tuple[Tensor, ...], Any]]:
    """(module, inputs, shape of its output) for the surroundings that the slot may meet."""
    build = slot.parse(with_random_weights(slot, name)).build()
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
        for asked in ((8, 3, 1, 1), (12, 3, 2, 1), (4, 1, 1, 1), (8, 3, 1, 2)):
            yield build(8, *asked), (wide,), (2, asked[0], 7, 6)
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
    """Height and width are unchanged, or multiplied by the scale; values are finite."""
    for module, inputs, shape in _network(slot, name):
        answer = module(*(x.clone() for x in inputs))
        y = largest(answer)
        assert y.shape == shape, f"gives {tuple(y.shape)}, not {tuple(shape)}"
        found = by_factor(answer, inputs[0])
        named = factors_of(module)
        assert not named or tuple(found) == named, f"answers at {tuple(found)}, names {named}"
        for factor, image in found.items():
            wanted = tuple(side * factor for side in inputs[0].shape[-2:])
            assert not named or image.shape[-2:] == wanted, f"x{factor} is {tuple(image.shape)}"
            assert image.isfinite().all(), "gives values that are not finite"


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
        assert not dead, f"no (finite) gradient reaches {', '.join(dead)}"


def same_seed_same_weights(slot: Slot, name: str) -> None:
    """`initialise` covers every parameter, and depends on the seed alone."""
    for module, _, _ in _network(slot, name):
        with torch.no_grad():
            for p in module.parameters():
                p.fill_(math.nan)
        initialise(module, Streams(0))
        first = {n: p.detach().clone() for n, p in module.named_parameters()}
        left = [n for n, p in first.items() if p.isnan().any()]
        assert not left, f"no reset_parameters initialises {', '.join(left)}"
        torch.rand(1)
        initialise(module, Streams(0))
        other = [n for n, p in module.named_parameters() if not torch.equal(p, first[n])]
        assert not other, f"one seed gives two values of {', '.join(other)}"


def weights_have_names(slot: Slot, name: str) -> None:
    """No place in a list on the path of a parameter: initial weights are seeded by path."""
    for module, _, _ in _network(slot, name):
        numbered = [n for n, _ in module.named_parameters() if any(map(str.isdigit, n.split(".")))]
        assert not numbered, f"numbers instead of names: {', '.join(numbered)}"


def images_do_not_meet(slot: Slot, name: str) -> None:
    """When scored, what an image becomes does not depend on its neighbours in the batch."""
    for module, inputs, _ in _network(slot, name):
        module.eval()
        with torch.no_grad():
            both = by_factor(module(*(x.clone() for x in inputs)), inputs[0])
            alone = by_factor(module(*(x[:1].clone() for x in inputs)), inputs[0])
        same = all(torch.allclose(both[k][:1], alone[k], atol=1e-5) for k in both)
        assert same, "an image's neighbours change it"


def fused_computes_the_same(slot: Slot, name: str) -> None:
    """Without its training branches a network computes the same in eval mode, at borders too."""
    for module, inputs, _ in _network(slot, name):
        if fused(module) is module:
            continue
        initialise(module, Streams(0))
        with torch.no_grad():
            for p in module.parameters():
                if p.dim() == 1:  # biases are often zero at first
                    p.uniform_(-0.1, 0.1)
            module(*(x.clone() for x in inputs))  # running means, where there are any
            module.eval()
            wanted = by_factor(module(*(x.clone() for x in inputs)), inputs[0])
            slim = fused(module)
            found = by_factor(slim(*(x.clone() for x in inputs)), inputs[0])
        for k, y in wanted.items():
            apart = float((found[k] - y).abs().max() / y.abs().max().clamp(min=1))
            assert apart <= FUSED_WITHIN, f"fused, it differs by {apart:.2g} of its largest value"
        assert fused(slim) is slim, "fused, it still has modules to be fused"


def computes_the_same_in_every_format(slot: Slot, name: str) -> None:
    """Two runs are equal; channels last (training in bf16) and float64 (costs) differ by rounding.

    Compared are outputs and gradients, in eval mode.
    """
    module, inputs, _ = next(_network(slot, name))
    initialise(module, Streams(0))
    module.eval()
    first = _computed(module, inputs)
    again = _computed(module, inputs)
    assert all(map(torch.equal, again, first)), "a second run gives other values"
    for kind in ({"memory_format": torch.channels_last}, {"dtype": torch.float64}):
        module.to(**kind)
        for y, wanted in zip(_computed(module, [x.to(**kind) for x in inputs]), first, strict=True):
            apart = (y - wanted).abs().max() / wanted.abs().max().clamp(min=1)
            assert apart <= FORMATS_WITHIN, f"{next(iter(kind.values()))} is off by {apart:.2g}"


def _computed(module: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Outputs, and the gradients of parameters and inputs."""
    module.zero_grad()
    given = [x.clone().requires_grad_() for x in inputs]
    outputs = list(by_factor(module(*(x.clone() for x in given)), given[0]).values())
    torch.stack([y.square().mean() for y in outputs]).sum().backward()  # type: ignore[no-untyped-call]
    tensors = [*outputs, *(x.grad for x in given), *(p.grad for p in module.parameters())]
    return [t.detach().clone() for t in tensors if t is not None]


def stays_on_its_device(slot: Slot, name: str) -> None:
    """Forward and backward run on the device alone: a CUDA graph can hold them."""
    for module, inputs, _ in _network(slot, name):
        initialise(module, Streams(0))
        module.to("meta")
        hold_on_device(partial(_there_and_back, module, [x.to("meta") for x in inputs]))


def _there_and_back(module: nn.Module, inputs: Sequence[Tensor]) -> None:
    answers = by_factor(module(*inputs), inputs[0]).values()
    learnt = [y.square().sum() for y in answers if y.requires_grad]
    if learnt:
        torch.stack(learnt).sum().backward()  # type: ignore[no-untyped-call]


def hold_on_device(step: Callable[[], Any]) -> None:
    """Assert that a step of tensors on the meta device needs no value and nothing of the host.

    The step is taken twice: what the first makes and stores may come from the host.
    """
    host = OnHost()
    try:
        step()
        with host:
            step()
    except (RuntimeError, NotImplementedError) as problem:
        raise AssertionError(f"cannot be computed without values: {problem}") from problem
    assert not host.seen, f"works on the host as well: {', '.join(host.seen)}"


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


LAYERS = (
    slots.model, slots.unit, slots.convolution, slots.fuse, slots.attention, slots.activation,
    slots.normalisation, slots.upsampler, slots.features, slots.skip,
)  # fmt: skip
LAWS: Laws = {
    slot.name: (
        gives_the_shape_of_its_slot,
        every_parameter_gets_a_gradient,
        same_seed_same_weights,
        weights_have_names,
        images_do_not_meet,
        fused_computes_the_same,
        *((computes_the_same_in_every_format,) if slot is not slots.features else ()),
        stays_on_its_device,
    )
    for slot in LAYERS
}
"""Frozen features are never trained, so their format does not change."""
