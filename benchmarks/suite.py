"""A whole suite from command to scores, against loops a user would write: A B A B, wall clock.

    python benchmarks/suite.py                      4 trainings of 10 epochs, about 6 minutes
    python benchmarks/suite.py --precision fp32

Ours is `srbench run` in a process of its own: planning, workers, checkpoints, database, validation,
scores and pictures included. `plain` and `tuned` (see `peers.py`) train the same networks one after
the other in one process on both cores and take PSNR at the end; they keep nothing. With
`--trainings 96 --epochs 500 --device cuda` it is the suite of the performance goals.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import deque
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import torch
from training import lay_out

from srbench.core import slots
from srbench.store import open_store

STUDY = """\
question: How long does a suite take?
scale: 2
data: {{train: photos, patches: {patches}, cut: fixed, patch: {patch}, augment: [],
        validate: photos, eval: [photos]}}
train: {{epochs: {epochs}, batch: {batch}, validations: 1, optimizer: {{adam: {{lr: 1.0e-4}}}}}}
seeds: {seeds}
base: {{carn: {{channels: {channels}, skip: bilinear}}}}
interpolations: []
variants:
  plain: {{}}
  leaky: {{activation: {{leaky_relu: {{slope: 0.2}}}}}}
baseline: plain
metric: psnr_y on photos
min_effect: 0.03 dB
"""


def peer(name: str, folder: Path, trainings: int, steps: int) -> None:
    """Train so many networks in this process; prints the mean PSNR-Y of the last."""
    from peers import PEERS, Work

    work = Work(folder)
    torch.set_num_threads(work.given["threads"])
    slots.load()
    last = [deque(islice(PEERS[name](work), steps + 1), 1)[0] for _ in range(trainings)][-1]
    print(work.psnr(last, "eval"))


def ours(folder: Path, given: Any, number: int) -> tuple[float, float]:
    """Seconds of `srbench run`, and mean PSNR-Y of the baseline."""
    study = folder / "suite.yaml"
    values = vars(given) | {"patch": 2 * given.side, "seeds": given.trainings // 2}
    study.write_text(STUDY.format(**values))
    db = folder / f"{number}.sqlite"
    line = [sys.executable, "-m", "srbench", "run", str(study), "--db", str(db),
            "--device", given.device, "--precision", given.precision]  # fmt: skip
    start = time.perf_counter()
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - start
    scores = open_store(str(db), create=False).reading.results("suite").scores
    chosen = scores[(scores["metric"] == "psnr_y") & (scores["variant"] == "plain")]
    return took, float(chosen["value"].mean())


def main() -> int:
    """Print seconds and ratios; 1 where quality differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--patches", type=int, default=120)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=64, help="of LR patches, in pixels")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--peers", nargs="*", default=["plain", "tuned"])
    parser.add_argument("--bound", type=float, default=0.3, help="dB that PSNR may differ")
    parser.add_argument("--as-peer", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    steps = given.epochs * -(-given.patches // given.batch)
    if given.as_peer:
        peer(given.as_peer, given.folder, given.trainings, steps)
        return 0
    given.block, given.threads = 0, torch.get_num_threads()
    seconds: dict[str, list[float]] = {name: [] for name in ("ours", *given.peers)}
    psnr: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        lay_out(folder, given)
        for number in range(given.rounds):
            took, psnr["ours"] = ours(folder, given, number)
            seconds["ours"].append(took)
            for name in given.peers:
                line = [sys.executable, *sys.argv, "--as-peer", name, "--folder", str(folder)]
                start = time.perf_counter()
                done = subprocess.run(line, check=True, capture_output=True, text=True)
                seconds[name].append(time.perf_counter() - start)
                psnr[name] = float(done.stdout.split()[-1])
    print(f"{given.trainings} trainings of {steps} steps on {given.device}, {given.precision}")
    for name, found in seconds.items():
        ratios = [theirs / mine for theirs, mine in zip(found, seconds["ours"], strict=True)]
        print(
            f"{name:6} {median(found):8.1f} s   {median(ratios):5.2f} "
            f"({min(ratios):.2f}-{max(ratios):.2f}) times ours   PSNR-Y {psnr[name]:.3f} dB"
        )
    apart = max(psnr.values()) - min(psnr.values())
    print(f"final PSNR apart by {apart:.3f} dB (allowed: {given.bound})")
    return int(apart > given.bound)


if __name__ == "__main__":
    sys.exit(main())
