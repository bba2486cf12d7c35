"""Schedules: (steps, epochs) of a run -> factor on the learning rate at a step (from 0).

A schedule is a function of the step alone, so a resumed run needs no state of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

from srbench.core.registry import Positive, Range
from srbench.core.slots import Schedule, schedule

Share = Annotated[float, Range(0.0, 1.0)]
Factor = Callable[[int], float]


@schedule.register("constant")
def constant(steps: int, epochs: int) -> Factor:
    """The same learning rate throughout. Ours."""
    return lambda step: 1.0


@schedule.register("cosine")
def cosine(steps: int, epochs: int, *, end: Share = 0.0, warmup: Share = 0.0) -> Factor:
    """Half a cosine from 1 to `end`, after a linear rise over the share `warmup` of the steps.

    end     factor at the last step
    warmup  share of the steps over which the factor rises

    Loshchilov, Hutter, SGDR, 2017. https://arxiv.org/abs/1608.03983
    """
    rise = round(warmup * steps)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / (rise + 1)
        return _half_cosine((step - rise) / max(steps - rise, 1), end)

    return factor


@schedule.register("warm_restarts")
def warm_restarts(steps: int, epochs: int, *, cycles: Positive = 4, end: Share = 0.0) -> Factor:
    """`cycles` half cosines of equal length, each starting again at 1.

    cycles  number of half cosines
    end     factor at the end of each

    Loshchilov, Hutter, SGDR, 2017. https://arxiv.org/abs/1608.03983
    """
    return lambda step: _half_cosine(step * cycles / max(steps, 1) % 1.0, end)


@schedule.register("step")
def step(
    steps: int, epochs: int, *, at: tuple[Share, ...] = (0.5, 0.75), gamma: Share = 0.5
) -> Factor:
    """Times `gamma` at each of the given shares of training.

    at     shares of training
    gamma  factor at each of them

    He et al., Deep residual learning for image recognition, 2016.
    https://arxiv.org/abs/1512.03385
    """
    return lambda now: gamma ** sum(now >= share * steps for share in at)


@schedule.register("warm_up")
def warm_up(steps: int, epochs: int, *, of: Schedule = constant, share: Share = 0.02) -> Factor:
    """Another schedule after a linear rise to its first factor.

    of     the schedule, over the steps that are left
    share  share of the steps over which the factor rises

    Goyal et al., Accurate, large minibatch SGD, 2017. https://arxiv.org/abs/1706.02677
    """
    rise = round(share * steps)
    after = of(max(steps - rise, 1), epochs)

    def factor(step: int) -> float:
        return after(0) * (step + 1) / (rise + 1) if step < rise else after(step - rise)

    return factor


def _half_cosine(done: float, end: float) -> float:
    return end + (1 - end) * (1 + math.cos(math.pi * done)) / 2
