"""Trainers of the same network on the same patches, for `training.py`: each a process that waits.

    python benchmarks/peers.py PEER FOLDER

reads words from its input: `go` takes a block of steps and answers with its seconds, `end` answers
with the mean PSNR-Y of the validation images, and leaves. FOLDER holds work.json and pool.npz,
written by `training.py`.

plain          what a user writes first: Dataset, DataLoader, fp32, `.item()` at every step
plain_workers  the same at its best: a worker process that stays, channels last
tuned          one process: patches in memory, bf16 autocast, channels last, no reading of losses
tuned_fp32     the same without autocast, for a CPU that has no bf16
basicsr        BasicSR 1.4.2's own loader and model, with the settings of its EDSR example
basicsr_best   the same, loader never restarted, as many worker processes as cores
ours_fp32, ours_bf16   `srbench.train.fit`, as a worker of `srbench run` calls it; one thread each
ours_fp32_pinned       the same, each process held on a core of its own

All have a worker's settings: on CUDA deterministic algorithms, and no TF32.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from srbench.core import slots
from srbench.core.arithmetic import full_precision
from srbench.core.slots import metric
from srbench.core.streams import Streams
from srbench.data.datasets import photos
from srbench.data.decoded import Dataset, Image, decode
from srbench.data.patches import Patches
from srbench.measure.forward import super_resolve
from srbench.measure.scores import PROTOCOLS, evaluation_lr, score_pair
from srbench.train.device import settle
from srbench.train.fit import Training, fit
from srbench.train.initialise import initialise
from srbench.train.settings import training

HERE = Path(__file__).parent


class Work:
    """What every peer does: network, patches, batch, learning rate, steps in a block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given: dict[str, Any] = json.loads((folder / "work.json").read_text())
        pool = np.load(folder / "pool.npz")
        self.lr, self.hr = pool["lr"], pool["hr"]  # (count, h, w, 3) and (count, H, W, 3), uint8
        self.batch, self.rate = int(self.given["batch"]), float(self.given["rate"])
        self.device = torch.device(self.given["device"])

    def net(self) -> nn.Module:
        made: nn.Module = slots.model.parse(self.given["model"]).build()(2)
        initialise(made, Streams(0))
        return made.to(self.device)

    def psnr(self, net: nn.Module, split: str = "validate") -> float:
        images = decode(list(photos(split, 2)), "photos", split, 2).images
        scores = {"psnr_y": metric.parse("psnr_y").build()()}
        protocol = PROTOCOLS["sr-y-v1"]
        rows = []
        for image in images:
            sr = super_resolve(net, evaluation_lr(image, 2), self.device)
            rows.append(score_pair(sr, image.hr, protocol, 2, scores))
        return float(np.mean([row["psnr_y"] for row in rows]))


class Ended(Exception):
    """The benchmark wants no more steps."""


class Gate:
    """Lets a block of steps through for every `go`, and says how long it took."""

    def __init__(self, work: Work) -> None:
        self.block, self.left, self.device = int(work.given["block"]), 0, work.device
        self.begin = 0.0
        self._wait(say="ready")

    def step(self) -> None:
        """To be called after every step."""
        self.left -= 1
        if self.left == 0:
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            self._wait(say=repr(time.perf_counter() - self.begin))

    def _wait(self, say: str) -> None:
        print(say, flush=True)
        if sys.stdin.readline().strip() != "go":
            raise Ended
        self.left, self.begin = self.block, time.perf_counter()


class Pairs(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """The patches, as a user's Dataset gives them."""

    def __init__(self, work: Work) -> None:
        self.lr, self.hr = work.lr, work.hr

    def __len__(self) -> int:
        return len(self.lr)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        lr, hr = (
            torch.from_numpy(pixels[index]).permute(2, 0, 1).float() / 255
            for pixels in (self.lr, self.hr)
        )
        return lr, hr


def plain(work: Work, **loading: Any) -> Iterator[nn.Module]:
    net = work.net()
    optimizer = torch.optim.Adam(net.parameters(), work.rate)
    loader = torch.utils.data.DataLoader(
        Pairs(work), batch_size=work.batch, shuffle=True, **loading
    )
    yield net
    while True:
        for lr, hr in loader:
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(net(lr.to(work.device)), hr.to(work.device))
            loss.backward()
            optimizer.step()
            loss.item()
            yield net


def plain_workers(work: Work) -> Iterator[nn.Module]:
    for net in plain(work, num_workers=1, persistent_workers=True):
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        yield net


def tuned(work: Work, *, bf16: bool = True) -> Iterator[nn.Module]:
    net = work.net().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(net.parameters(), work.rate, fused=True)
    lr, hr = (
        torch.from_numpy(pixels).to(work.device).permute(0, 3, 1, 2).float().div_(255)
        for pixels in (work.lr, work.hr)
    )
    yield net
    while True:
        order = torch.randperm(len(lr), device=work.device)
        for chosen in order.split(work.batch):
            optimizer.zero_grad()
            with torch.autocast(work.device.type, torch.bfloat16, enabled=bf16):
                sr = net(lr[chosen])
            nn.functional.l1_loss(sr.float(), hr[chosen]).backward()
            optimizer.step()
            yield net


def tuned_fp32(work: Work) -> Iterator[nn.Module]:
    return tuned(work, bf16=False)


def basicsr(work: Work, *, workers: int = 6, enlarge: int = 1) -> Iterator[nn.Module]:
    """Its train_pipeline without log files: the same calls in the same order."""
    from basicsr_peer import loop  # beside this file; BasicSR is installed by training.py

    yield from loop(work, workers, enlarge)


def basicsr_best(work: Work) -> Iterator[nn.Module]:
    yield from basicsr(work, workers=len(os.sched_getaffinity(0)), enlarge=100)


PEERS: dict[str, Callable[[Work], Iterator[nn.Module]]] = {
    "plain": plain, "plain_workers": plain_workers, "tuned": tuned,
    "tuned_fp32": tuned_fp32, "basicsr": basicsr, "basicsr_best": basicsr_best,
}  # fmt: skip


def ours(work: Work, precision: Any) -> None:
    """`fit` on the same pool; its patches are fixed, as the peers' are."""
    pairs = zip(work.lr, work.hr, strict=True)
    images = tuple(Image(f"{n:05d}", hr, lr, "") for n, (lr, hr) in enumerate(pairs))
    count, side = len(images), work.hr.shape[1]
    patches = Patches(
        Dataset("pool", "train", images, ""), None, (), scale=2, patch=side, count=count,
        batch_size=work.batch, fixed=True, streams=Streams(0),
    )  # fmt: skip
    chosen = {"epochs": 10**6, "batch": work.batch, "optimizer": {"adam": {"lr": work.rate}}}
    net, gate = work.net(), Gate(work)

    def on_progress(now: Training) -> None:
        gate.step()

    try:
        settings = training.parse({"train": chosen}).build()()
        fit(net, patches, settings, Streams(0), on_progress, precision=precision)
    except Ended:
        print(work.psnr(net), flush=True)


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    work = Work(folder)
    own = name.startswith("ours")
    settle(work.device, 1 if own else int(work.given["threads"]))
    slots.load()
    with full_precision():  # for all alike: cuDNN's convolutions are in TF32 otherwise
        if own:
            return ours(work, name.split("_")[1])
        steps = PEERS[name](work)
        net = next(steps)
        gate = Gate(work)
        try:
            for _ in steps:
                gate.step()
        except Ended:
            print(work.psnr(net), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
