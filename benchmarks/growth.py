"""How srbench's bookkeeping grows with a study: commands, database, and messages a second.

    python benchmarks/growth.py                        12, 100 and 1,000 runs, about 3 minutes
    python benchmarks/growth.py --runs 10000           up to 10,000 runs
    python benchmarks/growth.py --seats 0              without messages a second
    python benchmarks/growth.py --db postgresql://...  messages in an empty database there as well

Studies are real files, planned as by `srbench plan`; fake seats "train" them through the conductor,
so results are made up (SYNTHETIC) and say so. Commands are timed in processes of their own: wall
seconds, and in brackets CPU seconds, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

import fake_seats

from srbench.core import slots
from srbench.run import shortcut
from srbench.run.records import record
from srbench.run.session import Request, plan_study, read_study
from srbench.store import Store, open_store
from srbench.study.plan import Plan

STUDY = """\
question: How does the bookkeeping grow? SYNTHETIC, made up by benchmarks/growth.py
scale: 2
data: {{train: photos, patches: 120, patch: 48, validate: photos, eval: [photos]}}
train: {{epochs: 50, batch: 16, validations: 10}}
seeds: {seeds}
baseline_seeds: {seeds}
base: {{carn: {{channels: 4, blocks: 1, units: 1}}}}
interpolations: []
variants:
{variants}
baseline: v0
metric: psnr_y on photos
min_effect: 0.03 dB
claims:
  - {{id: first, says: v1 helps, test: psnr_y(v1) > psnr_y(v0)}}
"""
SIZES = {12: 3, 100: 5, 1000: 20, 10_000: 50}  # runs -> seeds
RATES_S = 20.0  # of counting messages
MESSAGE = 20  # steps that a message reports


def study(folder: Path, runs: int, seeds: int) -> Path:
    """The file of a study of so many runs."""
    variants = "\n".join(f"  v{n}: {{channels: {4 + n}}}" for n in range(runs // seeds))
    file = folder / f"growth{runs}.yaml"
    file.write_text(STUDY.format(seeds=seeds, variants=variants))
    return file


def planned(request: Request) -> tuple[Plan, int, Store]:
    """A study's plan, stored with its runs queued."""
    plan = plan_study(request, read_study(request), lambda name: None)
    store = open_store(request.db)
    key = shortcut.key(request.study, request.options())
    number = store.plans.add(record(plan, key, os.path.relpath(request.study, store.root)))
    shortcut.remember(store.root, key, shortcut.files_of(plan), shortcut.folders_of(plan))
    return plan, number, store


def took(folder: Path, *arguments: str) -> str:
    """Wall and CPU seconds of a command."""
    line = [sys.executable, "-m", "srbench", *arguments]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(line, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{wall:7.2f} ({cpu:6.2f})"


def commands(folder: Path, sizes: Sequence[int]) -> None:
    """The table of commands: a row for each size of study."""
    print(f"--help: {took(folder, '--help')} s, the second time {took(folder, '--help')} s")
    headings = ("plan, new", "plan", "second run", "claims", "report", "sql")
    print(f"{'runs':>6}  " + "  ".join(f"{h:>16}" for h in headings) + "   database  messages")
    for runs in sizes:
        file = study(folder, runs, SIZES[runs])
        db = ("--db", str(folder / f"{runs}.sqlite"))
        row = [took(folder, "plan", str(file), *db, "--device", "cpu")]
        plan, number, store = planned(Request(file, db[1], device="cpu"))
        rate = fake_seats.work(plan, number, store, 8, each=10**6)
        store.close()
        took(folder, "run", str(file), "--device", "cpu", *db)  # the first to print a summary
        row += [
            took(folder, *words, *db)
            for words in (
                ("plan", str(file), "--device", "cpu"),
                ("run", str(file), "--device", "cpu"),
                ("claims", file.stem),
                ("report", file.stem, "-o", str(folder / "page")),
                ("sql", "select count(*) from runs"),
            )
        ]
        size = Path(db[1]).stat().st_size / 1e6
        print(
            f"{runs:6}  " + "  ".join(f"{cell:>16}" for cell in row) + f"  {size:6.1f} MB"
            f"  {rate.messages / rate.wall_s:6.0f}/s",
            flush=True,
        )


def messages(folder: Path, runs: int, seats: Sequence[int], db: str | None) -> None:
    """Messages a second with so many seats and runs; in `db` too, where it is given."""
    file = study(folder, runs, SIZES[runs])
    for count in seats:
        for kind, url in (("SQLite", str(folder / f"seats{count}.sqlite")), ("given", db)):
            if url is None:
                continue
            plan, number, store = planned(Request(file, url, device="cpu"))
            rate = fake_seats.work(plan, number, store, count, each=MESSAGE, seconds=RATES_S)
            store.close()
            print(
                f"{count} seats, {runs:,} runs, {kind if url != db else store.engine.dialect.name}:"
                f" {rate.messages / rate.wall_s:.0f} messages/s, "
                f"{rate.cpu_s / rate.messages * 1e3:.1f} ms of CPU each",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000, help="up to so many")
    parser.add_argument("--seats", type=int, nargs="*", default=[64, 256])
    parser.add_argument("--db", help="URL of an empty database, for messages there as well")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    slots.load()
    sizes = [runs for runs in SIZES if runs <= given.runs]
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch):
        os.environ["XDG_CACHE_HOME"] = str(Path(scratch) / "cache")  # empty: plan builds all
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; wall (CPU) seconds")
        commands(Path(scratch), sizes)
        if any(given.seats):
            messages(Path(scratch), sizes[-1], given.seats, given.db)


if __name__ == "__main__":
    main()
