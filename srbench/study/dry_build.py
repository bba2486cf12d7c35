"""A variant's network and training, built once without data: their cost, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from srbench.core import slots
from srbench.core.cache import cached
from srbench.core.errors import Path, StudyError
from srbench.core.outputs import scales_of
from srbench.core.pretrained import WeightsMissing
from srbench.core.registry import Choice, settings
from srbench.core.streams import Streams
from srbench.measure.cost import Cost, cost
from srbench.study import identity
from srbench.study.tree import Tree
from srbench.train.learner import optimizers
from srbench.train.settings import TrainSettings


def try_training(settings: TrainSettings, steps: int, patch: int) -> None:
    """Make what a training is made of once, for settings that do not fit each other."""
    settings.schedule(steps, settings.epochs)(0)
    image = torch.zeros(1, 3, patch, patch)
    # weights that are missing are a result of the run, with its reason
    with suppress(WeightsMissing), _unguarded():
        learner = settings.learner(nn.Conv2d(3, 3, 1), settings, "fp32", Streams(0))
        for optimizer in optimizers(learner):
            optimizer.step = lambda: None  # type: ignore[method-assign, assignment]
        learner(image, image)


@contextmanager
def _unguarded() -> Iterator[None]:
    """Optimizers without their guard against being compiled, which imports all of dynamo (1 s)."""
    guards = {name: getattr(Optimizer, name) for name in ("add_param_group", "zero_grad")}
    for name, method in guards.items():
        setattr(Optimizer, name, getattr(method, "__wrapped__", method))
    try:
        yield
    finally:
        for name, method in guards.items():
            setattr(Optimizer, name, method)


def check_scales(tree: Tree, scale: int, scales: tuple[int, ...]) -> None:
    """Refuse scales that the study or the network does not have."""
    if scales == (scale,):
        return
    at: Path = ("train", "learner")
    named = ", ".join(f"x{one}" for one in scales)
    if scale not in scales:
        raise StudyError(f"trains at {named}, without the study's scale, x{scale}", at)
    with torch.device("meta"):
        able = scales_of(tree.model.build()(scale))
    if set(scales) <= set(able):
        return
    models = slots.model.parts
    if "scales" in settings(models[tree.model.name]):
        way = f"give it scales: {list(scales)}"
    else:
        way = f"take {' or '.join(sorted(n for n in models if 'scales' in settings(models[n])))}"
    can = ", ".join(f"x{one}" for one in able) or f"x{scale} alone"
    raise StudyError(f"trains at {named}, and this {tree.model.name} does {can}; {way}", at)


def cost_of(model: Choice, scale: int, scales: tuple[int, ...]) -> Cost:
    """The cost of a network that is trained at these scales.

    It follows from code and settings, so it is cached between plans.
    """
    return _cost_of(model, scale, scales, identity.code_digest())


@cache
def _cost_of(model: Choice, scale: int, scales: tuple[int, ...], code: str) -> Cost:
    key = identity.digest([model.to_json(), scale, scales, code, torch.__version__])
    found = cached("cost", key, lambda: asdict(cost(model.build(), scale, scales)))
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}
    return Cost(**plain)
