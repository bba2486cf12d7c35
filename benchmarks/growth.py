"""What the house around a training costs, and how it grows with runs: 10, 100, 1,000, 10,000.

    python benchmarks/growth.py                  up to 1,000 runs, about 3 minutes
    python benchmarks/growth.py --runs 10000     writes 10,000 runs, some 20 minutes more

A real study of that many runs is planned; its runs are claimed, their curves and scores written
and finished as the conductor does it, with no training in between. Then the commands are timed in
processes of their own: the second `srbench run`, `plan`, `report`, and `--help`. Bookkeeping is
also given as a share of a training that takes `--training` seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from srbench.core import slots
from srbench.run import shortcut
from srbench.run.records import record
from srbench.run.session import Request, plan_study, read_study
from srbench.store import Outcome, Point, Provenance, ScoreRow, Store, open_store, this_process

STUDY = """\
question: How does the bookkeeping grow?
scale: 2
data: {{train: photos, patches: 120, patch: 48, validate: photos, eval: [photos]}}
train: {{epochs: {epochs}, batch: 16, validations: 10}}
seeds: {seeds}
base: {{carn: {{channels: 4, blocks: 1, units: 1}}}}
interpolations: []
variants:
{variants}
baseline: v0
metric: psnr_y on photos
min_effect: 0.03 dB
"""


def fill(folder: Path, runs: int, epochs: int) -> tuple[Path, float, float]:
    """A finished study of so many runs; its file, seconds of planning and seconds of writing."""
    seeds = min(runs // 2, 50)
    variants = "\n".join(f"  v{n}: {{channels: {4 + n}}}" for n in range(runs // seeds))
    file = folder / f"growth{runs}.yaml"
    file.write_text(STUDY.format(epochs=epochs, seeds=seeds, variants=variants))
    request = Request(file, str(folder / f"{runs}.sqlite"), device="cpu")
    start = time.perf_counter()
    plan = plan_study(request, read_study(request), lambda name: None)
    planned = time.perf_counter() - start
    store = open_store(request.db)
    key = shortcut.key(request.study, request.options())
    number = store.plans.add(record(plan, key))
    shortcut.remember(store.root, key, shortcut.files_of(plan), shortcut.folders_of(plan))
    manifest, images = next(
        (d.manifest, [image.name for image in d.images])
        for role, d in plan.datasets
        if role == "eval"
    )
    steps = {p.fingerprint: p.steps for p in plan.variants}
    made = Provenance(None, None, {}, "none", None, "none", "benchmark", "3", "none", 1)
    provenance = store.measurements.add_provenance(made)
    metrics = plan.study.metrics
    scores = tuple(
        ScoreRow(manifest, plan.study.protocol, image, metric, 30.0)
        for image in images
        for metric in metrics
    )
    start = time.perf_counter()
    work_off(store, number, steps, epochs, scores, provenance)
    wrote = time.perf_counter() - start
    store.close()
    return file, planned, wrote


def work_off(
    store: Store,
    number: int,
    steps: dict[str, int],
    epochs: int,
    scores: tuple[ScoreRow, ...],
    provenance: int,
) -> None:
    """Every run of the plan, as the conductor writes it: a message each second of ten epochs."""
    owner = this_process("benchmark")
    while (claim := store.queue.claim(number, owner)) is not None:
        per_epoch = steps[claim.fingerprint] // epochs
        points: list[Point] = []
        for epoch in range(1, epochs + 1):
            first = (epoch - 1) * per_epoch
            points += [
                Point("loss_step", first + k, (first + k) / per_epoch, 0.1)
                for k in range(1, per_epoch + 1)
            ]
            points += [Point(name, epoch * per_epoch, epoch, 0.1) for name in ("loss", "lr")]
            if epoch % 10 == 0 or epoch == epochs:
                store.measurements.write_points(claim, points, steps=epoch * per_epoch)
                points = []
        done = epochs * per_epoch
        store.measurements.finish(
            claim, Outcome(done, 60.0, 1.0, None, None, None, "none", provenance, scores)
        )


def took(*arguments: str, folder: Path) -> float:
    """Seconds of a command, the better of two."""
    line = [sys.executable, "-m", "srbench", *arguments]
    found = []
    for _ in range(2):
        start = time.perf_counter()
        subprocess.run(line, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> int:
    """Print the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000, help="up to so many")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--training", type=float, default=60.0, help="seconds of a short training")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    slots.load()
    missed = False
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        start_up = statistics.median(took("--help", folder=folder) for _ in range(3))
        print(f"srbench --help: {start_up:.2f} s (goal 0.3)")
        missed |= start_up > 0.3
        print("runs     planning   writing a run   of a training   second run   plan     report")
        for runs in (n for n in (10, 100, 1000, 10_000) if n <= given.runs):
            file, planned, wrote = fill(folder, runs, given.epochs)
            db = ("--db", str(folder / f"{runs}.sqlite"))
            second = took("run", str(file), *db, "--device", "cpu", folder=folder)
            plan = took("plan", str(file), *db, "--device", "cpu", folder=folder)
            page = took("report", file.stem, *db, "-o", str(folder / "page"), folder=folder)
            share = wrote / runs / given.training
            missed |= second > 2.0 or share > 0.01
            print(
                f"{runs:6}  {planned:7.2f} s  {wrote / runs * 1e3:10.1f} ms  {share:12.3%}  "
                f"{second:9.2f} s  {plan:6.2f} s  {page:6.2f} s",
                flush=True,
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
