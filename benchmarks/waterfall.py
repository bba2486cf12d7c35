"""Where a training step's time goes, its floor, and what is left between them.

    python benchmarks/waterfall.py                                  one thread of this CPU
    python benchmarks/waterfall.py --device cuda --batch 16         graphs against plain calls

Levers: seconds of a step as each speed-up is added, A B C A B C, the smallest processor time of
each on the CPU (other work on the machine hardly counts), device time on CUDA. Then the profile of
the last one by kind of work, and the floor: each of its convolutions alone, forward and backward,
on hot caches. About 2 minutes on a CPU.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.run.worker_processes import surroundings_of
from srbench.train import graphs
from srbench.train.engine import graphed
from srbench.train.initialise import initialise
from srbench.train.learner import Supervised
from srbench.train.precision import lay_out
from srbench.train.settings import training

KINDS = {  # by what an operation's name has in it; the first that fits
    "convolutions backward": ("convolution_backward",),
    "convolutions forward": ("convolution",),
    "activations": ("relu", "sigmoid", "silu", "gelu"),
    "optimizer": ("_fused_adam", "Optimizer", "zero_grad"),
    "adding": ("add", "sum", "mul"),
    "cat, shuffles, copies": ("cat", "shuffle", "copy", "_to_copy", "slice", "contiguous"),
    "loss": ("abs", "l1", "sub", "mean", "sign"),
}


def net_of(given: Any) -> nn.Module:
    made: nn.Module = slots.model.parse({"carn": {"channels": given.channels}}).build()(2)
    initialise(made, Streams(0))
    return made.to(given.device)


def step_of(given: Any, precision: Any, channels_last: bool = True) -> Callable[[], Any]:
    """Our step in a precision; without `channels_last`, images and weights in torch's order."""
    net, device = net_of(given), torch.device(given.device)
    if channels_last:
        lay_out(net, precision, device)
    chosen = {"optimizer": {"adam": {"lr": 1e-4}}}
    learner = Supervised(net, training.parse({"train": chosen}).build()(), precision, Streams(0))
    order = torch.channels_last if channels_last else torch.contiguous_format
    lr, hr = (
        torch.rand(given.batch, 3, s, s, device=device).contiguous(memory_format=order)
        for s in (given.side, 2 * given.side)
    )
    return partial(learner, lr, hr)


def graph_of(given: Any) -> Callable[[], Any]:
    """Our step in bf16 as `fit` takes it on CUDA, cutting patches included."""
    net, device = net_of(given), torch.device(given.device)
    lay_out(net, "bf16", device)
    chosen = {"optimizer": {"adam": {"lr": 1e-4}}}
    learner = Supervised(net, training.parse({"train": chosen}).build()(), "bf16", Streams(0))

    class Pool:
        steps_per_epoch = 1

        def batch(self, epoch: int, step: int) -> Any:
            return tuple(
                torch.zeros(given.batch, s, s, 3, dtype=torch.uint8).numpy()
                for s in (given.side, 2 * given.side)
            )

    take = graphed(learner, Pool(), device, graphs.recorder(device))
    return lambda: take(0, 0)


def seconds(step: Callable[[], Any], device: str) -> float:
    if device == "cpu":
        start = time.process_time()
        step()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(10):
        step()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / 10


def fastest(steps: dict[str, Callable[[], Any]], given: Any) -> dict[str, float]:
    """The least time of each, taken in turn."""
    for step in steps.values():
        step()
    found = {name: float("inf") for name in steps}
    for _ in range(given.rounds):
        for name, step in steps.items():
            found[name] = min(found[name], seconds(step, given.device))
    return found


def floor(given: Any) -> float:
    """Seconds of all convolutions of a step in bf16, each alone, forward and backward."""
    net = net_of(given)
    shapes: Counter[Any] = Counter()

    def note(module: Any, inputs: Any, output: Tensor) -> None:
        shapes[module, tuple(inputs[0].shape)] += 1

    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(note)
    net(torch.rand(given.batch, 3, given.side, given.side, device=given.device))
    total, known = 0.0, {}
    for (module, shape), times in shapes.items():
        key = (str(module), shape)
        if key not in known:
            known[key] = min(_alone(module, shape, given) for _ in range(5))
        total += known[key] * times
    return total


def _alone(module: nn.Conv2d, shape: tuple[int, ...], given: Any) -> float:
    order = {"memory_format": torch.channels_last}
    conv = nn.Conv2d(
        module.in_channels, module.out_channels, module.kernel_size, padding=module.padding,
        dilation=module.dilation, groups=module.groups, device=given.device, dtype=torch.bfloat16,
    ).to(**order)  # type: ignore[call-overload]  # fmt: skip
    x = torch.rand(shape, device=given.device, dtype=torch.bfloat16).contiguous(**order)
    x.requires_grad_(shape[1] > 3)  # images need no gradient
    gradient = torch.ones_like(conv(x))

    wanted = [*conv.parameters(), *([x] if x.requires_grad else [])]

    def both() -> None:
        torch.autograd.grad(conv(x), wanted, gradient)

    both()
    return seconds(both, given.device)


def kinds(step: Callable[[], Any], device: str) -> dict[str, float]:
    """Seconds of a step by kind of work; own time of operations (of kernels on CUDA)."""
    more = [] if device == "cpu" else [ProfilerActivity.CUDA]
    with profile(activities=[ProfilerActivity.CPU, *more]) as seen:
        step()
    found: Counter[str] = Counter()
    for event in seen.key_averages():
        own = event.self_cpu_time_total if device == "cpu" else event.self_device_time_total
        kind = next((k for k, words in KINDS.items() if any(w in event.key for w in words)), "rest")
        found[kind] += own / 1e6
    return dict(found.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--side", type=int, default=64, help="of LR patches, in pixels")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--allocator", choices=("ours", "default"), default="")
    given = parser.parse_args()
    if not given.allocator and given.device == "cpu":  # a process has one for life: ask two
        for allocator in ("default", "ours"):
            more = surroundings_of("cpu") if allocator == "ours" else {"OMP_NUM_THREADS": "1"}
            line = [sys.executable, *sys.argv, "--allocator", allocator]
            subprocess.run(line, env=os.environ | more, check=True)
        return
    slots.load()
    torch.set_num_threads(1)
    steps: dict[str, Callable[[], Any]] = {
        "fp32, torch's order": step_of(given, "fp32", channels_last=False),
        "fp32, channels last": step_of(given, "fp32"),
        "bf16, torch's order": step_of(given, "bf16", channels_last=False),
        "bf16, channels last": step_of(given, "bf16"),
    }
    if given.device != "cpu":
        steps["bf16, whole steps as graphs"] = graph_of(given)
    print(f"CARN x2, {given.channels} ch, batch {given.batch}, LR {given.side}x{given.side}, "
          f"{given.device}, allocator: {given.allocator or 'of CUDA'}")  # fmt: skip
    for name, took in fastest(steps, given).items():
        print(f"  {name:28} {took * 1e3:8.1f} ms a step, {given.batch / took:7.1f} patches/s")
    if given.allocator == "default":
        return
    least = floor(given)
    print(f"  {'floor: its convolutions alone':28} {least * 1e3:8.1f} ms")
    for kind, took in kinds(steps["bf16, channels last"], given.device).items():
        print(f"    {kind:26} {took * 1e3:8.1f} ms, profiled")


if __name__ == "__main__":
    main()
