"""Is every registered part held by a CUDA graph? One JSON line for each part and precision.

`standin.py every_part.py GROUP`, where GROUP is models, parts, train or data.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
import trainings
from trainings import patches

from srbench.core import slots
from srbench.core.registry import Slot
from srbench.core.streams import Streams
from srbench.data.multi_scale import ScaledPatches

SMALL = {"carn": {"channels": 8, "blocks": 1, "units": 1}}
SMALLEST = {"espcn": {"channels": 8}}
BOTH = ("fp32", "bf16")


@dataclass(frozen=True)
class Case:
    """One training to be held."""

    name: str
    model: Any
    scale: int = 2
    precisions: tuple[str, ...] = BOTH
    train: dict[str, Any] = field(default_factory=dict)
    data: Any = None


def named(slot: Slot) -> list[tuple[str, Any]]:
    """The slot's parts, each with a choice of it that downloads nothing."""
    found = []
    for name, part in sorted(slot.parts.items()):
        weights = inspect.signature(part).parameters.get("weights")
        named_ones = weights is not None and isinstance(weights.default, str)
        found.append((name, {name: {"weights": "none"}} if named_ones else name))
    return found


def is_trained(model: str) -> bool:
    """Whether a model has weights to learn."""
    net = slots.model.parse(model).build()(2)
    return any(parameter.requires_grad for parameter in net.parameters())


def of_models() -> Iterator[Case]:
    for name, choice in named(slots.model):
        if is_trained(name):
            for scale in (2, 4):
                yield Case(f"model {name} x{scale}", choice, scale)


def in_carn(**changes: Any) -> dict[str, Any]:
    return {"carn": {"channels": 16, "blocks": 1, "units": 2, **changes}}


def of_parts() -> Iterator[Case]:
    in_units = (
        slots.attention, slots.activation, slots.convolution, slots.fuse, slots.upsampler,
        slots.skip,
    )  # fmt: skip
    for name, choice in named(slots.unit):
        yield Case(f"unit {name}", in_carn(unit=choice, rates=[2]))
    for slot in in_units:
        for name, choice in named(slot):
            yield Case(f"{slot.name} {name}", in_carn(**{slot.name: choice}))
    for name, choice in named(slots.normalisation):
        net = {"srresnet": {"channels": 16, "blocks": 2, "normalisation": choice}}
        yield Case(f"normalisation {name}", net)
    for name, choice in named(slots.features):
        net = {"superresnet": {"channels": 8, "features": choice}}
        yield Case(f"features {name}", net, scale=4)
    for changes in (
        {"wiring": "published", "attention": "scse"}, {"mean_shift": [0.4, 0.4, 0.4]},
        {"sharing": "block"}, {"upscale": "before"}, {"shortcut": "block"}, {"gather": "all"},
    ):  # fmt: skip
        yield Case(f"carn {json.dumps(changes)}", in_carn(**changes), precisions=("fp32",))


def of_train() -> Iterator[Case]:
    for name, choice in named(slots.loss):
        yield Case(f"loss {name}", SMALL, train={"loss": choice})
    for name, _ in named(slots.optimizer):
        yield Case(f"optimizer {name}", SMALL, train={"optimizer": name})
        yield Case(f"optimizer {name}, clip", SMALL, train={"optimizer": name, "clip": 0.1})
    amsgrad = {"adam": {"amsgrad": True, "weight_decay": 0.01}}
    nesterov = {"sgd": {"momentum": 0.9, "nesterov": True}}
    yield Case("optimizer adam, amsgrad", SMALL, train={"optimizer": amsgrad})
    yield Case("optimizer sgd, nesterov", SMALL, train={"optimizer": nesterov})
    for name, _ in named(slots.learner):
        yield from of_learner(name)
    for name, choice in named(slots.discriminator):
        learner = {"adversarial": {"discriminator": choice}}
        yield Case(f"discriminator {name}", SMALL, train={"learner": learner})
    updates = {"adversarial": {"updates": 2, "generator_updates": 2, "lr_ratio": 0.5}}
    yield Case("learner adversarial, updates", SMALL, train={"learner": updates, "clip": 1.0})
    for name, choice in named(slots.schedule):
        yield Case(f"schedule {name}", SMALLEST, train={"schedule": choice})
    for name, choice in named(slots.initialisation):
        yield Case(f"initialisation {name}", SMALLEST, train={"initial": choice})


def of_learner(name: str) -> Iterator[Case]:
    if name != "multi_scale":
        yield Case(f"learner {name}", SMALL, train={"learner": name})
        return
    net = {"carn": SMALL["carn"] | {"scales": [2, 3, 4]}}
    by_scale = {scale: patches(scale, patch=12 * scale) for scale in (2, 3, 4)}
    data = ScaledPatches(by_scale, Streams(3))
    momentum = {"sgd": {"momentum": 0.9}}
    yield Case("learner multi_scale", net, train={"learner": name}, data=data)
    train = {"learner": name, "optimizer": momentum}
    yield Case("learner multi_scale, momentum", net, train=train, data=data)


def of_data() -> Iterator[Case]:
    for name, choice in named(slots.degradation):
        whole = choice if is_resizer(choice) else {"pipeline": {"of": [choice, "bicubic"]}}
        yield Case(f"degradation {name}", SMALLEST, data=patches(2, whole))
    for name, choice in named(slots.augmentation):
        yield Case(f"augmentation {name}", SMALLEST, data=patches(2, augmentations=(choice,)))


def is_resizer(choice: Any) -> bool:
    """Whether a degradation gives an image of half the size by itself."""
    pixels = trainings.drawn().hr
    small = slots.degradation.parse(choice).build()(2)(pixels, np.random.default_rng(1))
    return small.shape[0] * 2 == pixels.shape[0]


GROUPS = {"models": of_models, "parts": of_parts, "train": of_train, "data": of_data}
COVERED = {
    "models": ("model",),
    "parts": ("unit", "attention", "activation", "convolution", "fuse", "upsampler", "skip",
              "normalisation", "features"),
    "train": ("loss", "optimizer", "learner", "discriminator", "schedule", "initialisation"),
    "data": ("degradation", "augmentation"),
}  # fmt: skip
"""The slots of each group. Data sets and metrics have no part in a step."""


def main() -> None:
    """Read the command line, train every case of a group and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--device", default="cuda:0")
    asked = parser.parse_args()
    device = trainings.use(asked.device)
    for case in GROUPS[asked.group]():
        for precision in case.precisions:
            show(case, precision, device)
            gc.collect()


def show(case: Case, precision: str, device: torch.device) -> None:
    found = trainings.held(
        case.name, case.model, device, scale=case.scale, precision=precision, train=case.train,
        data=case.data,
    )  # fmt: skip
    print(json.dumps({"ok": found.ok, **asdict(found)}), flush=True)


if __name__ == "__main__":
    main()
