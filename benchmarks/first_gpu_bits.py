"""Checks of `first_gpu.py` that compare bits: graphs with plain steps, a run with its repeat."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from first_gpu_checks import Finding, Given, compared
from first_gpu_training import Keeping, drawn, network, trained
from torch import Tensor

from srbench.train import checkpoint
from srbench.train.engine import stepwise
from srbench.train.fit import Training

HELD = tuple(
    f"{model} {precision}"
    for model in ("carn", "srresnet", "pan", "carn_m")
    for precision in ("fp32", "bf16")
)
STEPS, RESUMED_AT = 50, 25


def held(given: Given, case: str) -> Iterator[Finding]:
    """Steps replayed as CUDA graphs give the losses and weights of plain steps, to the bit."""
    model, precision = case.split()
    device = torch.device(given.device)
    patches = drawn(side=24, count=10, batch=4)  # 3 steps an epoch, the last of 2 patches
    plain, ours = (
        trained(network(model, 2, device), patches, 3, engine, precision)
        for engine in (stepwise, Keeping())
    )
    yield equal(case, plain, ours, before(model))


def repeated(given: Given, case: str) -> Iterator[Finding]:
    """Two runs of 50 steps are equal to the bit, and one that is resumed at 25 likewise."""
    device = torch.device(given.device)
    patches = drawn(side=24, count=40, batch=4)
    epochs = STEPS // patches.steps_per_epoch

    def run(**more: Any) -> Training:
        return trained(network("carn", 2, device), patches, epochs, Keeping(), "fp32", **more)

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)

        def save(now: Training) -> None:
            if now.step == RESUMED_AT:
                checkpoint.save(folder, now.step, now.state())

        first, initial = run(on_progress=save), before("carn")
        yield equal("carn fp32, twice", first, run(), initial)
        state = checkpoint.load_newest(folder, device)
        if state is None or state["step"] != RESUMED_AT:
            yield Finding("carn fp32, resumed", "failed", f"no checkpoint of step {RESUMED_AT}")
        else:
            yield equal("carn fp32, resumed", first, run(resume=state), initial)


def before(model: str) -> Mapping[str, Tensor]:
    """The weights that a training begins with."""
    return network(model, 2, torch.device("cpu")).state_dict()


def equal(what: str, one: Training, other: Training, initial: Mapping[str, Tensor]) -> Finding:
    """Compare losses and weights; weights that no step has changed are nothing to compare."""
    problems = []
    pairs = list(zip(one.losses, other.losses, strict=False))
    if len(one.losses) != len(other.losses) or not pairs:
        problems.append(f"{len(one.losses)} losses beside {len(other.losses)}")
    step = next((n for n, (a, b) in enumerate(pairs, 1) if a != b), None)
    if step is not None:
        a, b = pairs[step - 1]
        problems.append(f"the loss of step {step} differs first: {a!r} and {b!r}")
    ours, theirs = ({k: v.cpu() for k, v in t.net.state_dict().items()} for t in (one, other))
    different = [name for name, value in ours.items() if not torch.equal(value, theirs[name])]
    if different:
        name = different[0]
        most = (ours[name].double() - theirs[name].double()).abs().max().item()
        problems.append(
            f"{len(different)} of {len(ours)} tensors differ, the first is {name} (by {most:.3g})"
        )
    if all(torch.equal(value.cpu(), ours[name]) for name, value in initial.items()):
        problems.append(f"{len(pairs)} steps have changed no weight")
    return compared(what, len(pairs) + len(ours), "losses and tensors", problems)
