"""Checks of `first_gpu.py` that give figures: steps, idle share, convolutions, the suite."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from statistics import median
from time import perf_counter
from typing import Any

import torch
from first_gpu_checks import Finding, Given, figure
from first_gpu_training import Keeping, network, photographed, settings, trained
from torch import nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from srbench.core.arithmetic import fp32_as
from srbench.core.streams import Streams
from srbench.measure.latency_work import OneBatch
from srbench.measure.stopwatch import EventClock, calls_for
from srbench.train import graphs
from srbench.train.ahead import threads_a_device
from srbench.train.engine import fed, images_of
from srbench.train.precision import arithmetic, lay_out

NETWORKS: dict[str, tuple[Any, int]] = {
    "superresnet x4": ("superresnet", 4),
    "perceptual_resnet x4": ("perceptual_resnet", 4),
    "unet x2": ("unet", 2),
    "carn atrous x2": ({"carn": {"rates": [1, 2, 1]}}, 2),
}
STEPS = tuple(f"{name} {precision}" for name in NETWORKS for precision in ("fp32", "bf16"))
SIZES = {  # channels, side of LR, batch
    "64 channels, LR 64, batch 16": (64, 64, 16),
    "64 channels, LR 128, batch 6": (64, 128, 6),
    "16 channels, LR 32, batch 6": (16, 32, 6),
}
IDLE = tuple(f"{size}, {precision}" for size in SIZES for precision in ("fp32", "bf16"))
CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "3x3 64->64": {},
    "3x3 64->64, 4 groups": {"groups": 4},
    "3x3 64->64, depthwise": {"groups": 64},
    "3x3 64->64, rate 2": {"dilation": 2, "padding": 2},
    "1x1 128->64": {"in_channels": 128, "kernel_size": 1, "padding": 0},
}
ORDERS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
ARITHMETIC: dict[str, tuple[Any, torch.dtype]] = {
    "fp32": ("ieee", torch.float32),
    "tf32": ("tf32", torch.float32),
    "bf16": ("ieee", torch.bfloat16),
}
HOST_MADE: dict[str, Any] = {
    "noise, bicubic": {"pipeline": {"of": ["noise", "bicubic"]}},
    "matlab_bicubic, jpeg": {"pipeline": {"of": ["matlab_bicubic", "jpeg"]}},
}
SUITE = {  # size and the goal for an H100, in minutes, where there is one
    "64 channels, LR 64, batch 16": 7.2,
    "64 channels, LR 128, batch 6": 29.0,
}
PROJECTED = tuple(f"{size}, {precision}" for size in SUITE for precision in ("bf16", "fp32"))
MOST_EPOCHS = 10**6  # of a training that ends before
VARIANTS, SEEDS, EPOCHS, PATCHES = 32, 3, 500, 120  # of the suite
WARM_S = 0.5  # until clocks have risen; and that a timed training takes at least
REPEATED = 10  # convolutions in one graph, so that its start hardly counts


@dataclass(frozen=True)
class Timed:
    """A training of CARN x2: milliseconds of a step by the wall clock, and of its replay alone."""

    wall_ms: float
    replay_ms: float
    patches_s: float


def steps(given: Given, case: str) -> Iterator[Finding]:
    """Milliseconds of a step in a graph and step by step, and its kernels."""
    name, _, precision = case.rpartition(" ")
    model, scale = NETWORKS[name]
    one, held = _one_batch(model, scale, precision, torch.device(given.device))
    graph, plain = (milliseconds(work, given) for work in (held, one))
    said = f"graph {graph:.3f} ms, step by step {plain:.3f} ms: {plain / graph:.2f} times"
    yield figure(case, said, graph_ms=graph, stepwise_ms=plain)
    kernels = _kernels(one)
    if kernels:
        yield figure(f"{case}, kernels", f"{kernels} a step", kernels=kernels)
    else:
        yield Finding(f"{case}, kernels", "skipped", "the profiler has seen none")


def idle(given: Given, case: str) -> Iterator[Finding]:
    """Replays against the wall clock: the share of a training that the GPU is idle."""
    size, _, precision = case.rpartition(", ")
    found = timed(given, *SIZES[size], precision)
    share = 1 - found.replay_ms / found.wall_ms
    yield figure(
        case, f"{found.wall_ms:.3f} ms a step, replay {found.replay_ms:.3f} ms, idle {share:.1%}",
        wall_ms=found.wall_ms, replay_ms=found.replay_ms, idle_share=share,
    )  # fmt: skip


def convolutions(given: Given, case: str) -> Iterator[Finding]:
    """Convolutions forward and backward by memory order and precision, LR 64x64, batch 16."""
    device = torch.device(given.device)
    found = {
        f"{precision} {order}": _convolution(case, precision, order, device, given)
        for precision in ARITHMETIC
        for order in ORDERS
    }
    first = found["fp32 contiguous"]
    ratios = ", ".join(f"{name} {ms / first:.2f}" for name, ms in list(found.items())[1:])
    yield figure(
        case, f"fp32 contiguous {first:.4f} ms; ratios to it: {ratios}",
        **{f"{name.replace(' ', '_')}_ms": ms for name, ms in found.items()},
    )  # fmt: skip


def host_made(given: Given, case: str) -> Iterator[Finding]:
    """LR that only the host can make, cut ahead in threads, against patches cut on the device."""
    size = SIZES["64 channels, LR 64, batch 16"]
    device = timed(given, *size, "bf16").wall_ms
    host = timed(given, *size, "bf16", case).wall_ms
    said = (
        f"{host:.3f} ms a step with {threads_a_device()} threads, {device:.3f} ms cut on the "
        f"device, {host / device:.2f} times"
    )
    yield figure(case, said, host_ms=host, device_ms=device, threads=threads_a_device())


def suite(given: Given, case: str) -> Iterator[Finding]:
    """Wall time of CARN x2, 32 variants x 3 seeds x 500 epochs x 120 patches, from patches/s."""
    size, _, precision = case.rpartition(", ")
    rate = timed(given, *SIZES[size], precision).patches_s
    minutes = VARIANTS * SEEDS * EPOCHS * PATCHES / rate / 60
    said = (
        f"{rate:.0f} patches/s, so {minutes:.1f} min of training; goal for an H100, all included: "
        f"{SUITE[size]:g} min. Projected, without validations, scores and starts"
    )
    yield figure(case, said, patches_s=rate, projected_min=minutes, goal_h100_min=SUITE[size])


def timed(
    given: Given, channels: int, side: int, batch: int, precision: str, made: str = ""
) -> Timed:
    """Train CARN x2 on photographs as a worker does, and time it."""
    return _timed(given.device, given.steps, given.laps, channels, side, batch, precision, made)


@cache
def _timed(
    device: str, least: int, laps: int, channels: int, side: int, batch: int, precision: str,
    made: str,
) -> Timed:  # fmt: skip
    degradation = HOST_MADE.get(made, "matlab_bicubic")
    patches = photographed(side, PATCHES, batch, degradation)
    per_epoch = patches.steps_per_epoch
    keeping, warm, ends = Keeping(), list[float](), list[float]()

    def note(now: Any) -> None:
        if not now.at_epoch_end:
            return
        into = ends if len(warm) > 1 and warm[-1] - warm[0] > WARM_S else warm
        into.append(perf_counter())  # the epoch's losses have been read: the device has finished
        if len(ends) * per_epoch >= least and ends[-1] - warm[-1] > WARM_S:
            now.end()

    net = network({"carn": {"channels": channels}}, 2, torch.device(device))
    trained(net, patches, MOST_EPOCHS, keeping, precision, note)
    seconds = (ends[-1] - warm[-1]) / len(ends)
    full, *last = (milliseconds(replay, Given(device, laps=laps)) for replay in keeping.replays)
    replay_ms = (full * (per_epoch - len(last)) + sum(last)) / per_epoch
    return Timed(seconds / per_epoch * 1e3, replay_ms, PATCHES / seconds)


def milliseconds(work: Callable[[], object], given: Given) -> float:
    """Of one call, by the device's clock: the median of several laps."""
    clock = EventClock(torch.device(given.device))
    work()
    calls = calls_for(clock.lap(work, 3).ms, clock.least_ms)
    calls = min(calls, max(3, given.steps))
    clock.lap(work, calls)  # clocks rise
    return median(clock.lap(work, calls).ms for _ in range(given.laps))


def _one_batch(
    model: Any, scale: int, precision: Any, device: torch.device
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A step on one batch of 4 of LR 32x32, taken plainly, and held by a graph."""
    made: list[Callable[[], Any]] = []
    for hold in (None, graphs.recorder(device)):
        net = network(model, scale, device)
        lay_out(net, precision, device)
        chosen = settings(1)
        learner = chosen.learner(net.train(), chosen, precision, Streams(0))
        lr, hr = (
            torch.randint(0, 256, (4, side, side, 3), dtype=torch.uint8).to(device)
            for side in (32, 32 * scale)
        )
        if hold is None:
            made.append(_within(precision, learner, images_of(lr), images_of(hr)))
        else:
            take = fed(learner, OneBatch(lr, hr), 1, device, hold)
            made.append(_within(precision, take, 0, 0))
    one, held = made
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "not held by a CUDA graph")
        held()
    return one, held


def _within(precision: Any, work: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    def call() -> Any:
        with arithmetic(precision):
            return work(*arguments)

    return call


def _kernels(work: Callable[[], Any]) -> int:
    """Kernels of one call, copies and fills among them."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        work()
        torch.cuda.synchronize()
    return sum(
        event.device_type == DeviceType.CUDA and not event.is_user_annotation
        for event in seen.events()
    )


def _convolution(
    case: str, precision: str, order: str, device: torch.device, given: Given
) -> float:
    """Milliseconds of one convolution forward and backward, replayed from a graph."""
    shape = {"in_channels": 64, "out_channels": 64, "kernel_size": 3, "padding": 1}
    fp32, dtype = ARITHMETIC[precision]
    conv = nn.Conv2d(**shape | CONVOLUTIONS[case]).to(device, dtype)
    conv = conv.to(memory_format=ORDERS[order])
    x = torch.rand(16, conv.in_channels, 64, 64, device=device).to(dtype)
    x = x.contiguous(memory_format=ORDERS[order]).requires_grad_()
    wanted = [x, *conv.parameters()]
    gradient = torch.ones_like(conv(x))

    def work() -> None:
        for _ in range(REPEATED):
            torch.autograd.grad(conv(x), wanted, gradient)

    with fp32_as(fp32):
        work()
        replay = graphs.recorder(device)(work)
    return milliseconds(replay, given) / REPEATED
