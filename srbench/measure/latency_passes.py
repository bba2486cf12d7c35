"""The latency pass: networks of a study timed against their baseline, on a device of their own.

Weights are drawn at random: the graph is the same, and a trained network is no faster. Each pass
has one setting and times the baseline twice a round, once as the control. Knows no database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from srbench.analysis.claims_readings import LEAST_ROUNDS
from srbench.analysis.latency_ratios import LOST, Ratio, drifted, enough, ratio
from srbench.core.device_locks import exclusive_lock
from srbench.core.errors import DeviceError, first_line
from srbench.core.registry import Choice
from srbench.measure.latency_setting import Setting, check
from srbench.measure.latency_work import work
from srbench.measure.machine import condition, warnings_of
from srbench.measure.rounds import CannotRun, Ready, Sample, Subject, WarmUp, rounds, warm_up
from srbench.measure.stopwatch import steady_process, stopwatch
from srbench.train.device import settled
from srbench.train.precision import arithmetic

CONTROL = 1  # the copy number of the baseline's second network


@dataclass(frozen=True)
class Effort:
    """How long to go on: until every interval is narrow, or the time is spent."""

    rounds: int = 400  # at the most; 20 at the least, or no interval can be given
    budget_s: float = 120.0
    narrow: float = 0.005  # half of an interval, as a share of its ratio
    seed: int = 0  # of the order within rounds
    patience_s: float = 0.0  # how long to wait for the device


@dataclass(frozen=True)
class Entrant:
    """What is timed under a name: a model, and its training, for where a step is timed."""

    name: str
    model: Choice
    train: Choice


@dataclass(frozen=True)
class Pass:
    """What one pass found; times by name are ms a call, a round each."""

    setting: Setting
    baseline: str
    seed: int
    ready: tuple[Ready, ...]
    samples: tuple[Sample, ...]
    steady: bool
    warnings: tuple[str, ...]
    seconds: float

    def times(self, name: str, copy: int = 0) -> list[float]:
        """One network's ms by round."""
        return [s.ms for s in self.samples if s.name == name and s.copy == copy]

    def ratio(self, name: str) -> Ratio:
        """A network's time over the baseline's."""
        return ratio(self.times(name), self.times(self.baseline))

    @property
    def control(self) -> Ratio:
        """The baseline over itself."""
        return ratio(self.times(self.baseline, CONTROL), self.times(self.baseline))

    @property
    def rounds(self) -> int:
        return len(self.times(self.baseline))


OnRound = Callable[[int, float], None]  # rounds done, seconds spent


def measure(
    entrants: Sequence[Entrant],
    baseline: str,
    scale: int,
    setting: Setting,
    effort: Effort = Effort(),
    on_round: OnRound = lambda done, spent: None,
) -> Pass:
    """Time every entrant against the baseline, which is among them, with the device locked.

    Raises:
        DeviceInUse: another srbench trains or measures on it.
        DeviceError: it cannot do this, or a network does not run.
    """
    device = torch.device(setting.device)
    check(setting)
    with (
        exclusive_lock(setting.device, effort.patience_s),
        steady_process(device, setting.threads),
        arithmetic(setting.precision),
        _as_used(setting, device),
    ):
        before = condition(device)
        start = time.monotonic()
        warm = _warm(entrants, baseline, scale, setting)
        samples = _go_on(warm, baseline, setting, effort, on_round)
        after = condition(device)
    found = Pass(
        setting, baseline, effort.seed, warm.ready, tuple(samples), warm.steady, (),
        time.monotonic() - start,
    )  # fmt: skip
    return replace(found, warnings=(*warnings_of(before, after), *_unfit(found)))


def _go_on(
    warm: WarmUp, baseline: str, setting: Setting, effort: Effort, on_round: OnRound
) -> list[Sample]:
    """Rounds until it is enough; 20 at least, however long they take."""
    clock = stopwatch(torch.device(setting.device), setting.threads)
    rng, start = np.random.default_rng(effort.seed), time.monotonic()
    samples: list[Sample] = []
    look = LEAST_ROUNDS
    for done, found in enumerate(rounds(warm.ready, clock, rng), 1):
        samples += found
        spent = time.monotonic() - start
        on_round(done, spent)
        if done < LEAST_ROUNDS:
            continue
        if done >= effort.rounds or spent >= effort.budget_s:
            break
        if done >= look:
            if _is_enough(samples, baseline, effort.narrow):
                break
            look = done * 3 // 2
    return samples


def _is_enough(samples: Sequence[Sample], baseline: str, narrow: float) -> bool:
    times: dict[tuple[str, int], list[float]] = {}
    for sample in samples:
        times.setdefault((sample.name, sample.copy), []).append(sample.ms)
    first = times.pop((baseline, 0))
    series: Mapping[str, list[float]] = {f"{name} {copy}": ms for (name, copy), ms in times.items()}
    return enough(series, first, narrow)


def _unfit(found: Pass) -> Iterator[str]:
    """What in the samples themselves limits the pass, a sentence each."""
    if not found.steady:
        yield "the times had not settled when the warm-up ended"
    flagged = drifted(found.times(found.baseline))
    if flagged.any():
        share = 100 * float(flagged.mean())
        yield f"the baseline was more than 2 % off its median in {share:.0f} % of the rounds"
    lost = [s.lost for s in found.samples if s.lost > LOST]
    if len(lost) > len(found.samples) / 20:
        share = 100 * float(np.mean(lost))
        yield f"other processes took {share:.0f} % of the core's time, which is left out"


def _warm(entrants: Sequence[Entrant], baseline: str, scale: int, setting: Setting) -> WarmUp:
    """Every network built and warmed up; one that cannot run is refused by its name."""
    clock, name = stopwatch(torch.device(setting.device), setting.threads), ""
    subjects = []
    try:
        for entrant in entrants:
            name = entrant.name
            for copy in (0, CONTROL) if name == baseline else (0,):
                subjects.append(
                    Subject(name, work(entrant.model, entrant.train, scale, setting), copy)
                )
        return warm_up(subjects, clock)
    except CannotRun as failed:
        name, problem = failed.name, failed.__cause__ or failed
    except (RuntimeError, ValueError, TypeError) as failed:
        problem = failed
    if isinstance(problem, torch.OutOfMemoryError):
        raise DeviceError("does not fit into the device's memory", place=name) from None
    first = first_line(problem)
    raise DeviceError(f"does not run with {setting}: {first}", place=name) from None


@contextmanager
def _as_used(setting: Setting, device: torch.device) -> Iterator[None]:
    """A forward pass needs no gradient; a step is deterministic, as in training."""
    if setting.quantity == "step_time":
        with settled(device):
            yield
    else:
        with torch.inference_mode():
            yield
