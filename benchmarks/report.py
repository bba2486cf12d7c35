"""How long a report of a large study takes, stage by stage, and how large its page is.

    python benchmarks/report.py                          # 1,000 runs x 500 epochs x 3 curves
    python benchmarks/report.py --runs 200 --epochs 50   # a glance
    python benchmarks/report.py --keep large             # keep database and report in a folder

The database is SYNTHETIC: made-up numbers in the real tables, and the study says so itself.
Goal for the default size: `srbench report` under 5 s, the page under 10 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from srbench.core.part_facts import MetricFacts
from srbench.store import (
    DatasetRecord,
    Image,
    PlanRecord,
    Provenance,
    Training,
    VariantRecord,
    open_store,
)
from srbench.store.columns import to_json
from srbench.store.segments import packed

CURVES = ("loss", "lr", "validate/psnr_y")
METRICS = ("psnr_y", "ssim_y")
SEEDS = 20
PER_EPOCH = 10  # steps
GOAL_S, GOAL_MB = 6.0, 10.0


def generate(file: Path, *, runs: int, epochs: int, images: int) -> str:
    """Write a database of one synthetic study, every run finished; the study's name."""
    seeds = min(SEEDS, runs)
    names = ["base", *(f"variant_{i:03d}" for i in range(1, runs // seeds))]
    rng = np.random.default_rng(0)
    store = open_store(file)
    plan = store.plans.add(planned(names, seeds, epochs, images))
    provenance = store.measurements.add_provenance(
        Provenance(None, None, {"srbench": "synthetic"}, "cpu", None, "synthetic",
                   "benchmarks/report.py", "3", "none", 1)
    )  # fmt: skip
    store.close()
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(
            "update runs set state = 'done', steps = ?, started_at = queued_at, "
            "finished_at = queued_at, train_seconds = 100, peak_memory_mb = 500, device = 'cpu', "
            "provenance_id = ?",
            (epochs * PER_EPOCH, provenance),
        )
        cells = connection.execute(
            "select r.id, v.position, r.seed from runs r join variants v using (fingerprint) "
            "where v.plan_id = ? order by r.id",
            (plan,),
        ).fetchall()
        gain = np.concatenate([[0.0], rng.normal(0, 0.1, len(names) - 1)])
        shared = rng.normal(0, 0.05, seeds)
        level = {
            run: 30.0 + gain[place] + shared[seed] + rng.normal(0, 0.03)
            for run, place, seed in cells
        }
        pairs = [(run, name) for run, *_ in cells for name in CURVES]
        connection.executemany("insert into curves (run_id, name) values (?, ?)", pairs)
        known = connection.execute("select id, run_id, name from curves order by id").fetchall()
        connection.executemany(
            "insert into segments values "
            "(:curve_id, :first, :stride, :count, :per_epoch, :scale, :numbers)",
            segments(known, level, epochs, rng),
        )
        shown = connection.execute(
            "select id from images where manifest = 'synthetic-eval' order by position"
        ).fetchall()
        connection.executemany(
            "insert into scores (run_id, image_id, protocol, metric, value) "
            "values (?, ?, 'sr-y-v1', ?, ?)",
            scores([run for run, *_ in cells], [image for (image,) in shown], level, rng),
        )
    connection.close()
    return "synthetic"


def segments(
    curves: list[tuple[int, int, str]], level: dict[int, float], epochs: int, rng: Any
) -> Iterator[dict[str, Any]]:
    """A point an epoch of each curve: shapes as of a training, with noise."""
    x = np.arange(1, epochs + 1)
    steps = (x * PER_EPOCH).tolist()
    for curve, run, name in curves:
        noise = rng.normal(0, 1, epochs)
        match name:
            case "loss":
                y = 0.02 + 0.2 * np.exp(-x / (0.1 * epochs)) + 3e-4 * noise
            case "lr":
                y = 1e-3 * 0.5 * (1 + np.cos(np.pi * x / epochs))
            case _:
                y = level[run] - 9 * np.exp(-x / (0.1 * epochs)) + 0.02 * noise
        points = dict(zip(steps, zip(x, y, strict=True), strict=True))
        yield from (row | {"numbers": to_json(row["numbers"])} for row in packed(curve, points))


def scores(
    runs: list[int], images: list[int], level: dict[int, float], rng: Any
) -> Iterator[tuple[int, int, str, float]]:
    """Every metric of every image of every run."""
    ease = rng.normal(0, 2, len(images))
    for run in runs:
        psnr = level[run] + ease + rng.normal(0, 0.05, len(images))
        for image, value in zip(images, psnr.tolist(), strict=True):
            yield run, image, "psnr_y", value
            yield run, image, "ssim_y", 0.8 + 0.003 * value


def planned(names: list[str], seeds: int, epochs: int, images: int) -> PlanRecord:
    """The plan of the synthetic study."""
    chosen = tuple(range(seeds))
    prints = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    steps = epochs * PER_EPOCH
    facts = {
        "name": "synthetic", "question": "SYNTHETIC: how long does a large report take?",
        "source": "", "scale": 2, "baseline": names[0], "metric": "psnr_y",
        "dataset": "synthetic", "protocol": "sr-y-v1", "min_effect": 0.05,
        "metric_facts": {"psnr_y": asdict(MetricFacts("dB", "higher", "PSNR-Y", validate=True))},
        "seeds": list(chosen), "epochs": epochs, "steps": steps, "text": "synthetic\n",
        "overrides": [], "train": {"epochs": epochs}, "data": {"eval": ["synthetic"]},
        "references": [], "synthetic": True,
        "notes": ["made-up numbers that time the report"],
    }  # fmt: skip
    return PlanRecord(
        digest=hashlib.sha256(f"{names}{seeds}{epochs}{images}".encode()).hexdigest(),
        key="synthetic",
        facts=facts,
        trainings=tuple(
            Training(
                fingerprint=prints[name], model={"made_up": {"variant": name}},
                train={"epochs": epochs}, data={}, scale=2, manifest="synthetic-train",
                numerics="synthetic", salt="", source="none", fit_version=1, steps=steps,
                parameters=100_000 + 1_000 * i, frozen=0, dead=0, macs_720p=1e10 + 1e8 * i,
                macs_256=3e9 + 3e7 * i, activations=1e8, receptive_field=43,
            )
            for i, name in enumerate(names)
        ),
        variants=tuple(
            VariantRecord(
                name, "variant" if i else "baseline", f"made_up: {i}", prints[name], chosen
            )
            for i, name in enumerate(names)
        ),
        datasets=tuple(
            DatasetRecord(
                f"synthetic-{role}", "synthetic", role,
                tuple(Image(f"image_{i:03d}", 256, 256, f"{i:064x}") for i in range(images)),
            )
            for role in ("train", "validate", "eval")
        ),
        metrics=METRICS,
        protocol="sr-y-v1",
    )  # fmt: skip


def stages(file: Path, study: str, folder: Path) -> Iterator[tuple[str, float]]:
    """Seconds of each stage of a report, in one process that has imported everything."""
    from srbench.report.figure_matplotlib import draw_all
    from srbench.report.files import write_report
    from srbench.report.page import page
    from srbench.report.section import figures_of
    from srbench.report.sections import sections_of

    took, store = timed(lambda: open_store(file))
    yield "open the database", took
    took, results = timed(lambda: store.reading.results(study))
    yield "read the rows", took
    took, sections = timed(lambda: sections_of(results))
    yield "judge, and make the tables", took
    took, drawings = timed(lambda: draw_all(figures_of(sections)))
    yield "draw the figures", took
    svgs = {name: svg for name, (svg, _) in drawings.items()}
    took, _ = timed(lambda: page(results, sections, svgs))
    yield "write the page", took
    took, _ = timed(lambda: write_report([results], folder))
    yield "all but the reading once more, files written", took


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call took, and what it gave."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def worked() -> float:
    """Seconds of processor that this process and those it waited for have used."""
    return sum(os.times()[:4])


def command(file: Path, study: str, folder: Path) -> float:
    """Seconds of `srbench report` in a process of its own."""
    line = [sys.executable, "-m", "srbench", "report", study, "--db", str(file), "-o", str(folder)]
    took, _ = timed(lambda: subprocess.run(line, check=True, stdout=subprocess.DEVNULL))
    return float(took)


def opened(page: Path) -> Iterator[tuple[str, float]]:
    """Seconds that Chromium takes to open the page, to draw its figures, to toggle and to sort."""
    from playwright.sync_api import sync_playwright

    found = os.environ.get("SRBENCH_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        quiet = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(args=quiet, executable_path=found)
        tab = browser.new_page(viewport={"width": 1400, "height": 900})
        yield "open until it can be read", timed(lambda: tab.goto(page.as_uri()))[0]
        tab.locator("#curves").scroll_into_view_if_needed()
        took = timed(lambda: tab.wait_for_selector("#curves .js-plotly-plot .trace"))[0]
        yield "then until the curves are interactive", took
        drawn = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))"
        for what, place in (
            ("choose one variant", ".choices > div:nth-child(2) .only"),
            ("choose all variants", "#variant-all"),
            ("show every single seed", "#curve-seeds"),
            ("hide them", "#curve-seeds"),
            ("sort the effects", '[data-table="effects"] thead th:nth-child(2) button'),
        ):

            def act(place: str = place) -> None:
                tab.locator(place).click()
                tab.evaluate(drawn)

            yield what, timed(act)[0]
        browser.close()


def main() -> int:
    """Print the table; 1 where a goal for the default size is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--images", type=int, default=14)
    parser.add_argument("--keep", type=Path, help="folder for the database and the report")
    parser.add_argument("--no-browser", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.keep or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "synthetic.sqlite"
        if not file.exists():
            sizes = {"runs": given.runs, "epochs": given.epochs, "images": given.images}
            took, _ = timed(lambda: generate(file, **sizes))
            print(f"generated in {took:.1f} s: {file.stat().st_size / 1e6:.0f} MB, {sizes}")
        for stage, seconds in stages(file, "synthetic", folder / "stages"):
            print(f"{seconds:8.2f} s  {stage}")
        before = worked()
        whole = command(file, "synthetic", folder / "report")
        busy = worked() - before
        print(f"{whole:8.2f} s  srbench report, from start to end (goal {GOAL_S:.0f} s)")
        print(f"{busy:8.2f} s  of processor for it: the difference is other work on this machine")
        page = next((folder / "report").rglob("index.html"))
        megabytes = page.stat().st_size / 1e6
        print(f"{megabytes:8.2f} MB page (goal {GOAL_MB:.0f} MB)")
        if not given.no_browser:
            for what, seconds in opened(page):
                print(f"{seconds:8.2f} s  {what}")
    return int(whole > GOAL_S or megabytes > GOAL_MB)


if __name__ == "__main__":
    sys.exit(main())
