"""Checks of `first_gpu.py` that run srbench's own commands on small studies, and the quickstart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from first_gpu_checks import Finding, Given, compared, figure
from PIL import Image

from srbench.analysis.answer import answer
from srbench.analysis.results import Results
from srbench.cli.checkup import checkup
from srbench.core.devices import choose_device, device_versions, machine
from srbench.core.errors import DeviceError
from srbench.core.provenance import surroundings
from srbench.store import open_store

ROOT = Path(__file__).resolve().parents[1]
DB = "small.sqlite"
STUDY = """\
question: Does this GPU train as it should?
scale: 2
data:
  train: {{folder: {{path: pictures}}}}
  patches: 14
  patch: 32
  validate: {{folder: {{path: pictures}}}}
  eval: [{{folder: {{path: pictures}}}}]
train: {{epochs: 3, batch: 4, optimizer: {{adam: {{lr: 1.0e-3}}}}, validations: 1}}
seeds: {seeds}
base: {{carn: {{channels: 8, blocks: 1, units: 1}}}}
interpolations: []
min_effect: 0.3 dB
baseline: first
variants: {variants}
"""
FLAG = "go_wrong"
PARTS = '''\
"""Losses that go wrong on a GPU while a file is there."""

from pathlib import Path

import torch

from srbench.core.slots import loss


def wrong(x):
    return x.is_cuda and Path("FLAG").exists()


@loss.register("asserting")
def asserting():
    """L1 that reads out of bounds on the device. Ours."""

    def indexing(x, y):
        if wrong(x):
            beyond = torch.full((1,), x.numel(), dtype=torch.int64, device=x.device)
            return (x - y).abs().reshape(-1)[beyond].mean()
        return (x - y).abs().mean()

    return indexing


@loss.register("greedy")
def greedy():
    """L1 that asks for twice the device's memory. Ours."""

    def allocating(x, y):
        if wrong(x):
            most = torch.cuda.get_device_properties(x.device).total_memory
            torch.empty(2 * most, dtype=torch.uint8, device=x.device)
        return (x - y).abs().mean()

    return allocating
'''.replace("FLAG", FLAG)


def facts(given: Given) -> dict[str, Any]:
    """What the figures were taken on.

    Raises:
        DeviceError: the device cannot be used.
    """
    if given.device.partition(":")[0] != "cuda":
        raise DeviceError(f"{given.device!r} is not a CUDA device", place="--device")
    device = choose_device(given.device)
    here, about = machine(device), torch.cuda.get_device_properties(device)
    checkout = surroundings()
    return {
        "device": device,
        "name": about.name,
        "devices": torch.cuda.device_count(),
        "capability": f"{about.major}.{about.minor}",
        "memory_mb": round(about.total_memory / 1e6),
        "multiprocessors": about.multi_processor_count,
        "driver": here.driver,
        **device_versions(device),
        "torch": torch.__version__,
        "python": here.python,
        "platform": here.platform,
        "host": here.host,
        "cores": len(os.sched_getaffinity(0)),
        "versions": here.versions,
        "git_commit": checkout.git_commit,
        "git_dirty": checkout.git_dirty,
    }


def doctor(given: Given, case: str) -> Iterator[Finding]:
    """`srbench doctor` finds the device, its driver and libraries, and nothing wrong with them."""
    (row,) = (row for row in checkup(None) if row.what in ("cuda", "torch"))
    problems = [] if row.ok else ["doctor calls it not well"]
    problems += [] if f"{given.device} " in row.found else [f"it does not name {given.device}"]
    yield compared(row.found, 1, "row", problems)


def memory(given: Given, case: str) -> Iterator[Finding]:
    """Peak memory of a network is the same in every run of one worker, whatever ran before it."""
    variants = "{first: {}, wide: {channels: 32}}"
    with small(STUDY.format(seeds=3, variants=variants)) as folder:
        ended(run(folder, given.device, "--workers", "1"), 0)
        runs = results(folder).runs.sort_values("finished")
    held = list(zip(runs["variant"], runs["peak_memory_mb"], strict=True))
    numbered = [(n, variant, float(mb)) for n, (variant, mb) in enumerate(held, 1)]
    listed = ", ".join(f"{n} ({variant}) {mb:.6f}" for n, variant, mb in numbered)
    yield figure("MB of runs", listed, **{f"run_{n}_mb": mb for n, _, mb in numbered})
    problems, pairs = [], 0
    for variant in dict.fromkeys(variant for _, variant, _ in numbered):
        (first, least), *others = [(n, mb) for n, name, mb in numbered if name == variant]
        pairs += len(others)
        problems += [
            f"run {n} ({variant}) held {mb:.6f} MB, run {first} {least:.6f} MB"
            for n, mb in others
            if not (mb == least > 0)
        ]
    yield compared("equal", pairs, "pairs of runs", problems)


def faults(given: Given, case: str) -> Iterator[Finding]:
    """A device-side assert and too little memory fail the run that they are in, and no other."""
    variants = (
        "{first: {}, asserting: {train.loss: asserting}, greedy: {train.loss: greedy}, "
        "last: {skip: bilinear}}"
    )
    expected = {
        "first": "done", "last": "done", "asserting": "failed (error)", "greedy": "failed (oom)",
    }  # fmt: skip
    with small(STUDY.format(seeds=1, variants=variants)) as folder:
        plug_in(folder)
        (folder / FLAG).touch()
        problems = [*wrong(run(folder, given.device), 1), *unexpected(folder, expected)]
        yield compared("while they happen", len(expected), "runs", problems)
        (folder / FLAG).unlink()
        expected = dict.fromkeys(expected, "done")
        problems = [*wrong(run(folder, given.device), 0), *unexpected(folder, expected)]
        yield compared("the next command", len(expected), "runs", problems)


def unexpected(folder: Path, expected: dict[str, str]) -> list[str]:
    """How the states of a study's runs differ from those that were expected."""
    runs = results(folder).runs.sort_values("run_id")
    found = {
        row.variant: row.state + (f" ({row.reason})" if row.state == "failed" else "")
        for row in runs.itertuples()
    }
    return [
        f"{variant} is {found.get(variant, 'missing')}, not {state}"
        for variant, state in expected.items()
        if found.get(variant) != state
    ]


def quickstart(given: Given, case: str) -> Iterator[Finding]:
    """The quickstart study whole, and one run of it again: every number equal."""
    study = ROOT / "ablations" / "quickstart.yaml"
    with tempfile.TemporaryDirectory() as scratch:
        folder, db = Path(scratch), Path(scratch) / "quickstart.sqlite"
        start = perf_counter()
        options = ("--db", str(db), "--device", given.device)
        done = srbench(folder, "run", str(study), *options, "--set", f"train.epochs={given.epochs}")
        seconds = perf_counter() - start
        ended(done, 0)
        with closing(open_store(str(db), create=False)) as store:
            found = store.reading.results("quickstart")
        yield figure("srbench run", f"{seconds:.1f} s; {answer(found)}", seconds=seconds)
        yield compared("done and scored", len(found.runs), "runs", unscored(found))
        done = srbench(folder, "reproduce", "1", *options, "--json")
        again = json.loads(done.stdout) if done.stdout.strip() else []
        problems = [
            f"{one['variant']}, seed {one['seed']}: {one['outcome']} {one['detail']}"
            for one in again
            if one["outcome"] != "identical"
        ]
        yield compared("srbench reproduce 1", len(again), "run", problems or wrong(done, 0))


def several(given: Given, case: str) -> Iterator[Finding]:
    """A study on all GPUs trains the very weights that it trains on one."""
    count = torch.cuda.device_count()
    if count < 2:
        yield Finding("", "skipped", f"{count} GPU here")
        return
    text = STUDY.format(seeds=count, variants="{first: {}, other: {skip: bilinear}}")
    found: dict[str, dict[tuple[str, int], str]] = {}
    for devices in ("cuda", given.device):
        with small(text) as folder:
            ended(run(folder, devices), 0)
            runs = results(folder).runs
            found[devices] = {
                (row.variant, row.seed): row.weights_sha256 for row in runs.itertuples()
            }
    one, every = found[given.device], found["cuda"]
    problems = [
        f"{variant}, seed {seed} has other weights on {count} GPUs than on one"
        for (variant, seed), sha256 in one.items()
        if every.get((variant, seed)) != sha256
    ]
    yield compared(f"{count} GPUs", len(one), "runs", problems)


def unscored(found: Results) -> list[str]:
    """Runs of a study that are not done, or have no finite score."""
    finite = found.scores[np.isfinite(found.scores["value"])]
    scored = set(finite[finite["metric"] == found.facts.metric]["run_id"])
    return [
        f"{row.variant}, seed {row.seed} is {row.state}"
        + (", without a finite score" if row.state == "done" else "")
        for row in found.runs.itertuples()
        if row.state != "done" or row.run_id not in scored
    ]


@contextmanager
def small(text: str) -> Iterator[Path]:
    """A folder with a study of this text and pictures for it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pictures").mkdir()
        (folder / "small.yaml").write_text(text, encoding="utf-8")
        for n in range(3):
            pixels = np.random.default_rng(n).integers(0, 256, (16, 16, 3), dtype=np.uint8)
            picture = Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC)
            picture.save(folder / "pictures" / f"{n}.png")
        yield folder


def plug_in(folder: Path) -> None:
    """Install the losses that go wrong, for commands that run in this folder."""
    about = folder / "small_parts-1.0.dist-info"
    about.mkdir()
    (folder / "small_parts.py").write_text(PARTS, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: small-parts\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[srbench.parts]\nsmall = small_parts\n")


def run(folder: Path, device: str, *more: str) -> subprocess.CompletedProcess[str]:
    return srbench(folder, "run", "small.yaml", "--db", DB, "--device", device, *more)


def srbench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, whose modules it finds, to its end; the log has what it said."""
    paths = [str(folder), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {k: v for k, v in os.environ.items() if k not in ("SRBENCH_DB", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "srbench", *arguments], cwd=folder, stdin=subprocess.DEVNULL,
        env=kept | {"PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"},
        capture_output=True, text=True,
    )  # fmt: skip
    print(f"$ srbench {' '.join(arguments)}\n{done.stdout}{done.stderr}", flush=True)
    return done


def wrong(done: subprocess.CompletedProcess[str], code: int) -> Sequence[str]:
    """What is wrong with how a command ended: nothing, or its last line."""
    if done.returncode == code:
        return ()
    last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    return (f"exit code {done.returncode}, not {code}: {' '.join(last)}",)


def ended(done: subprocess.CompletedProcess[str], code: int) -> None:
    """Raises: RuntimeError, unless a command ended with this exit code."""
    if problems := wrong(done, code):
        raise RuntimeError(problems[0])


def results(folder: Path) -> Results:
    with closing(open_store(str(folder / DB), create=False)) as store:
        return store.reading.results("small")
