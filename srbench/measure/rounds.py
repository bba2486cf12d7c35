"""Randomised blocks: in each round every subject once, in an order drawn anew.

What slows the machine for seconds or minutes slows a whole round, and falls out of its ratios.
What is here only measures; when it is enough is for the caller to say.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from srbench.measure.stopwatch import Stopwatch, Work, calls_for

WARM_S = 1.0  # for all subjects together, at the least
WARM_ROUNDS = 3, 30  # at the least, at the most
STEADY = 0.02  # a subject is steady where two laps differ by no more


@dataclass(frozen=True)
class Subject:
    """Something to time. Two subjects may be of one name: a network against itself."""

    name: str
    work: Work
    copy: int = 0


class CannotRun(RuntimeError):
    """A subject's first call failed; the cause says how."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class Ready:
    """A subject after its warm-up."""

    subject: Subject
    first_ms: float  # its first call, compilation and all that it had to set up
    calls: int  # in a lap
    ms: float  # of a call, by the last lap


@dataclass(frozen=True)
class Sample:
    """One subject in one round."""

    name: str
    copy: int
    round: int
    place: int  # in the round's order
    ms: float  # of one call
    lost: float  # share of the wall clock that others took, not in `ms`; NaN where unknown


@dataclass(frozen=True)
class WarmUp:
    """The subjects, and whether the last two rounds of the warm-up agreed."""

    ready: tuple[Ready, ...]
    steady: bool


def warm_up(subjects: Sequence[Subject], stopwatch: Stopwatch, warm_s: float = WARM_S) -> WarmUp:
    """Call every subject until their times have settled, and choose how many calls make a lap.

    Settled: in two rounds in a row the middle one of the subjects' changes is within 2 %.

    Raises:
        CannotRun: a subject's first call failed.
    """
    first = [_first_ms(subject, stopwatch) for subject in subjects]
    ms, calls = list(first), [1] * len(subjects)
    end, steady, least, most = time.monotonic() + warm_s, False, *WARM_ROUNDS
    for turn in range(most):
        former = list(ms)
        for i, subject in enumerate(subjects):
            calls[i] = calls_for(ms[i], stopwatch.least_ms)
            ms[i] = stopwatch.lap(subject.work, calls[i]).ms
        changes = np.abs(np.array(ms) / np.array(former) - 1)
        steady = bool(np.median(changes) <= STEADY)
        if steady and turn + 1 >= least and time.monotonic() >= end:
            break
    made = zip(subjects, first, calls, ms, strict=True)
    return WarmUp(tuple(Ready(*one) for one in made), steady)


def _first_ms(subject: Subject, stopwatch: Stopwatch) -> float:
    try:
        return stopwatch.lap(subject.work, 1).ms
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as problem:
        raise CannotRun(subject.name) from problem


def rounds(
    ready: Sequence[Ready], stopwatch: Stopwatch, rng: np.random.Generator
) -> Iterator[list[Sample]]:
    """Round after round without end: each subject once, in an order of its own."""
    number = 0
    while True:
        found = []
        for place, i in enumerate(rng.permutation(len(ready))):
            one = ready[i]
            lap = stopwatch.lap(one.subject.work, one.calls)
            found.append(
                Sample(one.subject.name, one.subject.copy, number, place, lap.ms, lap.lost)
            )
        yield found
        number += 1
