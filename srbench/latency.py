"""The latency pass: networks of a study timed against their baseline, on a device of their own.

Weights are drawn at random: the graph is the same, and a trained network is no faster. Each pass
has one setting and times the baseline twice a round, once as the control. Knows no database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from srbench.measure.machine import complaints, condition
from srbench.measure.rounds import CannotRun, Ready, Sample, Subject, WarmUp, rounds, warm_up
from srbench.measure.scores import full_precision
from srbench.measure.stopwatch import Work, steady_process, stopwatch
from srbench.occupancy import alone
from srbench.registry import Choice, StudyError
from srbench.stats.claims_estimates import LEAST_ROUNDS
from srbench.stats.latency import LOST, Ratio, drifted, enough, is_quiet, ratio
from srbench.streams import Streams
from srbench.study import Tree
from srbench.train.engine import as_images
from srbench.train.initialise import initialise
from srbench.train.learner import Supervised
from srbench.train.precision import Precision, lay_out

Quantity = Literal["latency", "step_time"]
QUANTITIES: tuple[Quantity, ...] = ("latency", "step_time")
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
MEMORY: dict[str, torch.memory_format] = {
    "contiguous": torch.contiguous_format, "channels_last": torch.channels_last,
}  # fmt: skip
MODES = ("eager", "graph", "compiled")
CONTROL = 1  # the copy number of the baseline's second network


@dataclass(frozen=True)
class Setting:
    """Under what times are taken: they compare within one setting only."""

    device: str = "cpu"
    quantity: Quantity = "latency"
    lr_size: tuple[int, int] = (64, 64)  # height, width
    batch: int = 1
    precision: str = "fp32"
    memory_format: str = "contiguous"
    mode: str = "eager"
    threads: int = 1

    def __str__(self) -> str:
        where = f"{self.threads} thread{'s' if self.threads > 1 else ''}, " * (self.device == "cpu")
        height, width = self.lr_size
        return (
            f"{where}{self.batch}x3x{height}x{width}, {self.precision}, "
            f"{self.memory_format.replace('_', ' ')}, {self.mode}"
        )


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
    """What is timed under a name: a network, and its training where a step is timed."""

    name: str
    tree: Tree


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
    clock_mhz: tuple[float | None, float | None] = (None, None)  # before, after
    temperature_c: tuple[float | None, float | None] = (None, None)

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


Say = Callable[[str], None]
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
        StudyError: the device is in use by srbench or cannot do this, or a network does not run.
    """
    device = torch.device(setting.device)
    _check(setting)
    with (
        alone(setting.device, effort.patience_s),
        steady_process(device, setting.threads),
        full_precision(),
        _forward_only(setting),
    ):
        before = condition(device)
        start = time.monotonic()
        warm = _warm(entrants, baseline, scale, setting)
        samples = _go_on(warm, baseline, setting, effort, on_round)
        after = condition(device)
    found = Pass(
        setting, baseline, effort.seed, warm.ready, tuple(samples), warm.steady, (),
        time.monotonic() - start, (before.clock_mhz, after.clock_mhz),
        (before.temperature_c, after.temperature_c),
    )  # fmt: skip
    wrong = [*complaints(before, after, setting.threads), *_found_wrong(found)]
    return replace(found, warnings=tuple(wrong))


def latency_ratio(
    network: Choice,
    baseline: Choice,
    scale: int,
    setting: Setting,
    effort: Effort = Effort(patience_s=600.0),
) -> tuple[Ratio, Ratio]:
    """A network's time over another's, and the control's: for a search's objective or limit.

    The caller gives up its own share of the device first (`srbench.occupancy.shared`).

    Raises:
        StudyError: as `measure`.
    """
    entrants = [Entrant("network", _bare(network)), Entrant("baseline", _bare(baseline))]
    found = measure(entrants, "baseline", scale, replace(setting, quantity="latency"), effort)
    return found.ratio("network"), found.control


def _bare(network: Choice) -> Tree:
    """A network with default training, which a forward pass does not look at."""
    from srbench.data.settings import material
    from srbench.train.settings import training

    return Tree(network, training.parse({"train": {}}), material.parse({"data": {}}))


def _check(setting: Setting) -> None:
    if setting.mode == "graph" and not setting.device.startswith("cuda"):
        raise StudyError("graph is CUDA's (here: eager, compiled)", place="--mode")
    if setting.quantity == "step_time" and setting.mode != "eager":
        raise StudyError("a training step is timed eager", place="--mode")
    if setting.quantity == "step_time" and setting.precision == "fp16":
        raise StudyError("training knows fp32 and bf16", place="--precision")


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


def _found_wrong(found: Pass) -> Iterator[str]:
    """What the samples themselves say against the pass."""
    if not found.steady:
        yield "the times had not settled when the warm-up ended"
    flagged = drifted(found.times(found.baseline))
    if flagged.any():
        share = 100 * float(flagged.mean())
        yield f"the baseline was more than 2 % off its median in {share:.0f} % of the rounds"
    lost = {s.round for s in found.samples if s.lost > LOST}
    if lost:
        share = 100 * len(lost) / found.rounds
        yield f"other processes took more than 2 % of the time in {share:.0f} % of the rounds"
    control = found.control
    if not is_quiet(control):
        yield (
            "too noisy for differences of 1 %: the baseline against itself came out as "
            f"{control.value:.3f} ({control.low:.3f} to {control.high:.3f}), so differences below "
            f"{100 * control.off:.1f} % are not told"
        )


def _warm(entrants: Sequence[Entrant], baseline: str, scale: int, setting: Setting) -> WarmUp:
    """Every network built and warmed up; one that cannot run is refused by its name."""
    clock, name = stopwatch(torch.device(setting.device), setting.threads), ""
    subjects = []
    try:
        for entrant in entrants:
            name = entrant.name
            for copy in (0, CONTROL) if name == baseline else (0,):
                subjects.append(Subject(name, _work(entrant.tree, scale, setting), copy))
        return warm_up(subjects, clock)
    except CannotRun as failed:
        name, problem = failed.name, failed.__cause__ or failed
    except (RuntimeError, ValueError, TypeError) as failed:
        problem = failed
    if isinstance(problem, torch.OutOfMemoryError):
        raise StudyError("does not fit into the device's memory", place=name) from None
    first = next(iter(str(problem).splitlines()), type(problem).__name__)
    raise StudyError(f"does not run with {setting}: {first}", place=name) from None


def _work(tree: Tree, scale: int, setting: Setting) -> Work:
    device = torch.device(setting.device)
    net: nn.Module = tree.model.build()(scale)
    initialise(net, Streams(0))
    if setting.quantity == "step_time":
        return _step(net.to(device), tree, scale, setting)
    dtype, memory = PRECISIONS[setting.precision], MEMORY[setting.memory_format]
    net = net.eval().to(device=device, dtype=dtype)
    net = net.to(memory_format=memory)
    lr = _image(setting, device).to(dtype=dtype, memory_format=memory)
    if setting.mode == "graph":
        return _graph(net, lr)
    if setting.mode == "compiled":
        compiled = torch.compile(net, dynamic=False)
        return lambda: compiled(lr)
    return lambda: net(lr)


def _image(setting: Setting, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(setting.batch, 3, *setting.lr_size, generator=generator).to(device)


def _graph(net: nn.Module, lr: Tensor) -> Work:
    """The forward pass as a CUDA graph, captured after calls on a stream of its own."""
    stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            net(lr)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        net(lr)
    return graph.replay


def _step(net: nn.Module, tree: Tree, scale: int, setting: Setting) -> Work:
    """A training step as `fit` takes it, on one batch that stays where it is."""
    if not any(p.requires_grad for p in net.parameters()):
        raise ValueError("it has nothing to train")
    precision: Precision = "bf16" if setting.precision == "bf16" else "fp32"
    device, (height, width), n = torch.device(setting.device), setting.lr_size, setting.batch
    lay_out(net, precision, device)
    learner = Supervised(net.train(), tree.train.build()(), precision)
    rng = np.random.default_rng(0)
    lr, hr = (
        as_images(rng.integers(0, 256, (n, height * k, width * k, 3), dtype=np.uint8), device)
        for k in (1, scale)
    )
    return lambda: learner(lr, hr)


@contextmanager
def _forward_only(setting: Setting) -> Iterator[None]:
    with torch.inference_mode(setting.quantity == "latency"):
        yield
