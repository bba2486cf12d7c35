"""Patches a second against the trainers of others: same network, patches, steps; A B A B.

    python benchmarks/training.py                      CARN x2, LR 64x64, batch 4, all peers
    python benchmarks/training.py --peers plain tuned  some of them
    python benchmarks/training.py --device cuda --batch 16 --block 50

Every peer is a process that stays and waits. In each round every peer in turn takes a block of
steps while the others sleep; ours are as many processes of one thread as the machine has cores
(one on CUDA), as `srbench run` has them. Printed: patches a second, the median over rounds of
ours / theirs with the smallest and the largest, and the final PSNR, which must agree. About 4
minutes on two quiet cores. BasicSR is used where BASICSR_PYTHON names the Python of an environment
that has it:

    python -m venv basicsr; basicsr/bin/pip install wheel "setuptools>=70.1,<80" cython
    basicsr/bin/pip install --no-deps --no-build-isolation basicsr==1.4.2
    basicsr/bin/pip install --no-deps addict future lmdb opencv-python-headless yapf
    python -c "import site; print(site.getsitepackages()[0])" > torch.pth
    mv torch.pth basicsr/lib/python3.*/site-packages/    # so that it finds this torch
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image as Picture

from srbench.core import slots
from srbench.core.streams import Streams
from srbench.data.datasets import photos
from srbench.data.decoded import decode
from srbench.data.patches import Patches
from srbench.run.worker_processes import surroundings_of

OURS = ("ours_fp32", "ours_bf16")
PINNED = "ours_fp32_pinned"
ALL = ("plain", "plain_workers", "tuned", "tuned_fp32", "basicsr", "basicsr_best", *OURS, PINNED)
PEERS = Path(__file__).with_name("peers.py")


class Peer:
    """One or several waiting processes that take blocks of steps together."""

    def __init__(self, name: str, folder: Path, given: argparse.Namespace) -> None:
        self.name = name
        mine = name.startswith("ours")
        cores = sorted(os.sched_getaffinity(0))
        count = given.threads if mine and given.device == "cpu" else 1
        count = given.together if mine and given.together else count
        self.patches = count * given.block * given.batch  # in a block
        self.seconds: list[float] = []
        python = os.environ.get("BASICSR_PYTHON", "") if "basicsr" in name else sys.executable
        environment = os.environ | (surroundings_of(given.device) if mine else {})
        if not mine:
            environment.pop("OMP_NUM_THREADS", None)
        environment["PYTHONPATH"] = os.pathsep.join([str(PEERS.parents[1]), str(PEERS.parent)])
        self.processes = [
            subprocess.Popen(
                [python, str(PEERS), name, str(folder)], text=True, env=environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )
            for _ in range(count)
        ]  # fmt: skip
        for process, core in zip(self.processes, cores, strict=False):
            if name == PINNED:
                os.sched_setaffinity(process.pid, {core})
        self._heard("ready")

    def take(self) -> float:
        """One block; its seconds."""
        self._say("go")
        return max(float(line) for line in self._heard())

    def end(self) -> float:
        """PSNR-Y of what was trained."""
        self._say("end")
        return float(np.mean([float(line) for line in self._heard()]))

    def memory_mb(self) -> float:
        """The most memory that the processes and their children have held, added up."""
        pids = [str(p.pid) for p in self.processes]
        total = 0.0
        while pids:
            pid = pids.pop()
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                for task in Path(f"/proc/{pid}/task").iterdir():
                    pids += (task / "children").read_text().split()
            except OSError:
                continue
            peak = next((row.split()[1] for row in status.splitlines() if "VmHWM" in row), "0")
            total += int(peak) / 1e3
        return total

    def _say(self, word: str) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(word + "\n")
            process.stdin.flush()

    def _heard(self, expected: str = "") -> list[str]:
        lines = []
        for process in self.processes:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if not line or (expected and line != expected):
                raise SystemExit(f"{self.name} broke: {line or 'it ended'}; run peers.py by hand")
            lines.append(line)
        return lines


def lay_out(folder: Path, given: argparse.Namespace) -> None:
    """The work as files: settings, and a pool of patches as arrays and as PNG files."""
    slots.load()
    degrade = slots.degradation.parse("matlab_bicubic").build()(2)
    patches = Patches(
        decode(list(photos("train", 2)), "photos", "train", 2), degrade, (), scale=2,
        patch=2 * given.side, count=given.patches, batch_size=given.patches, fixed=True,
        streams=Streams(0),
    )  # fmt: skip
    lr, hr = patches.batch(0, 0)
    np.savez(folder / "pool.npz", lr=lr, hr=hr)
    for kind, pixels in (("lr", lr), ("hr", hr)):
        (folder / kind).mkdir()
        for n, one in enumerate(pixels):
            Picture.fromarray(one).save(folder / kind / f"{n:05d}.png")
    work = {
        "model": {"carn": {"channels": given.channels, "skip": "bilinear"}}, "batch": given.batch,
        "rate": 1e-4, "block": given.block, "threads": given.threads,
        "device": given.device,
    }  # fmt: skip
    (folder / "work.json").write_text(json.dumps(work))


def main() -> int:
    """Print the table; 1 where a peer ends with another quality."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--side", type=int, default=64, help="of LR patches, in pixels")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--patches", type=int, default=120, help="in an epoch")
    parser.add_argument("--block", type=int, default=30, help="steps: one epoch of 120 patches")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                        help="of a peer; and as many processes of ours, on the CPU")  # fmt: skip
    parser.add_argument("--together", type=int, default=0, help="processes of ours")
    parser.add_argument("--bound", type=float, default=0.3, help="dB that final PSNR may differ")
    given = parser.parse_args()
    names = [n for n in given.peers if "basicsr" not in n or os.environ.get("BASICSR_PYTHON")]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        lay_out(folder, given)
        peers = [Peer(name, folder, given) for name in names]
        for number in range(given.rounds + 1):
            for peer in peers:
                took = peer.take()
                if number:  # the first block warms up
                    peer.seconds.append(took)
            print(f"round {number} of {given.rounds}", file=sys.stderr)
        memory = {peer.name: peer.memory_mb() for peer in peers}
        psnr = {peer.name: peer.end() for peer in peers}
    return report(peers, memory, psnr, given)


def report(peers: list[Peer], memory: dict[str, float], psnr: dict[str, float], given: Any) -> int:
    """The table, and whether final PSNR agrees."""
    steps = (given.rounds + 1) * given.block
    print(
        f"CARN x2, {given.channels} ch, batch {given.batch}, LR {given.side}x{given.side}, on "
        f"{given.device}, threads {given.threads}; {given.rounds} rounds of {given.block} steps, "
        f"{steps} in all"
    )
    print(f"{'trainer':15} patches/s   memory MB   PSNR-Y dB  " + "   ".join(
        f"{name} is faster by" for name in OURS if name in psnr))  # fmt: skip
    rates = {p.name: [p.patches / s for s in p.seconds] for p in peers}
    for peer in peers:
        mine = rates[peer.name]
        cells = []
        for name in OURS:
            if name in rates:
                ratios = [a / b for a, b in zip(rates[name], mine, strict=True)]
                cells.append(f"{median(ratios):5.2f} ({min(ratios):.2f}-{max(ratios):.2f})    ")
        print(f"{peer.name:15} {median(mine):8.1f}  {memory[peer.name]:10.0f}  "
              f"{psnr[peer.name]:10.3f}   " + "   ".join(cells))  # fmt: skip
    apart = max(psnr.values()) - min(psnr.values())
    print(f"final PSNR apart by {apart:.3f} dB (allowed: {given.bound})")
    return int(apart > given.bound)


if __name__ == "__main__":
    sys.exit(main())
