"""What a step costs the host, in microseconds of this thread: kernels take no time here.

`python tests/fakecuda/standin.py benchmarks/host_time.py`. Nothing of a GPU is in these numbers.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import torch

from srbench.core.streams import Streams
from srbench.train.engine import engine
from srbench.train.feeds import feed_of
from srbench.train.fit import fit
from srbench.train.learner import Rates

sys.path.append(str(Path(__file__).parents[1] / "tests" / "fakecuda"))
import trainings

NET = {"carn": {"channels": 8, "blocks": 1, "units": 1}}
TURNS = ("hflip", "rot90")
ON_HOST = {
    "no augmentation": {"augmentations": ("none",)},
    "noise, bicubic": {"degradation": {"pipeline": {"of": ["noise", "bicubic"]}}},
    "blur, matlab_bicubic": {"degradation": {"pipeline": {"of": ["blur", "matlab_bicubic"]}}},
    "matlab_bicubic, jpeg": {"degradation": {"pipeline": {"of": ["matlab_bicubic", "jpeg"]}}},
    "random_of": {"degradation": "random_of"},
    "colour_jitter": {"augmentations": ("colour_jitter",)},
    "rotation": {"augmentations": ("rotation",)},
}
"""Patches that are cut on the host."""


def microseconds(work: Callable[[], object], times: int = 2000) -> float:
    """Of one call, once it has been called before."""
    work()
    start = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - start) / times * 1e6


def show(what: str, found: float, unit: str = "us") -> None:
    print(f"{what:44s} {found:10.1f} {unit}", flush=True)


def by_epoch(device: torch.device) -> None:
    """Whole steps, what an epoch prepares included."""
    ends: list[float] = []

    def on_progress(now: object) -> None:
        if now.at_epoch_end:  # type: ignore[attr-defined]
            ends.append(time.thread_time())

    data = large()
    settings = trainings.settings({"schedule": "cosine"}, epochs=4)
    fit(trainings.network(NET, 2, device), data, settings, Streams(3), on_progress)
    for epoch, seconds in enumerate(np.diff(ends), 2):
        show(f"step, mean of epoch {epoch}", seconds / data.steps_per_epoch * 1e6)


def by_piece(device: torch.device) -> None:
    """The pieces of a step."""
    data, streams = large(), Streams(3)
    settings = trainings.settings({"schedule": "cosine"}, epochs=4)
    learner = settings.learner(trainings.network(NET, 2, device), settings, "fp32", streams)
    rates, take = Rates(learner), engine(learner, data, device)
    feed = feed_of(data, device)
    factor = settings.schedule(1000, 4)
    ours, theirs = Pipe()
    losses = [take(0, step) for step in range(data.steps_per_epoch)]
    show("engine: place, replay, loss", microseconds(lambda: take(0, 0)))
    show("feed.place", microseconds(lambda: feed.place(0, 1)))
    show("rates.scale", microseconds(lambda: rates.scale(factor(17))))
    show("streams.torch_seed", microseconds(lambda: streams.torch_seed("noise", 17)))
    show("torch.manual_seed", microseconds(lambda: torch.manual_seed(123456789)))
    show("pipe.poll", microseconds(theirs.poll))
    show(
        f"losses of {len(losses)} steps, read",
        microseconds(lambda: torch.stack([loss.reshape(-1) for loss in losses]).tolist(), 200),
    )
    ours.close()


def large(**changes: object) -> object:
    """200 steps an epoch, each of 6 patches of 128x128."""
    chosen = {"augmentations": TURNS, "patch": 128, "count": 1200, "batch": 6} | changes
    return trainings.patches(image=trainings.drawn(512, 512), **chosen)


def on_host() -> None:
    """Batches that only the host can cut."""
    for name, changes in ON_HOST.items():
        data = large(**changes)
        steps = iter(range(10**6))
        found = microseconds(lambda data=data, steps=steps: data.batch(0, next(steps) % 200), 40)
        show(f"batch of 6 x 128x128: {name}", found / 1e3, "ms")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    device = trainings.use(parser.parse_args().device)
    warnings.simplefilter("ignore")
    by_epoch(device)
    by_piece(device)
    on_host()


if __name__ == "__main__":
    main()
