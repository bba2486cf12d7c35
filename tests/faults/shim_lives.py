"""Lives that the shim disturbs: each a command that is run, disturbed, run again and examined.

They go through the real command line, so that what a user would see is what is looked at. Every
write that the store has acknowledged is noted in a file the disk faults cannot reach.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from store_samples import PHOTOS, outcome, plan, scores

from srbench.cli import main
from srbench.core.files import write_atomically
from srbench.core.places import run_folder
from srbench.run.mirror import refresh
from srbench.run.worker_scores import save_picture
from srbench.store import PictureRow, Point, Store, open_store, this_process
from srbench.store.address import find
from srbench.store.engine import open_engine
from srbench.store.export import export
from srbench.store.journal import Journal
from srbench.store.migrate import SCHEMA, SCRIPTS, bring_up_to_date
from srbench.train import checkpoint

STEPS = 4
SAVED = (1, 2, 3)  # steps after which the run is saved
VARIANTS, SEEDS = ("plain", "se"), (0,)
DB = Path("db") / "srbench.sqlite"
POINTS = "SELECT run_id, step, value FROM points JOIN curves ON id = curve_id"
Note = Callable[..., None]


@dataclass(frozen=True)
class Life:
    """What is prepared, what is disturbed, and what must hold afterwards.

    `live` is called below a folder with the place for notes; `examine` gives what is wrong.
    """

    name: str
    prepare: Callable[[Path], None]
    live: Callable[[Path, Note], None]
    crashed: Callable[[Path, list[list[Any]]], list[str]]
    examine: Callable[[Path], list[str]]


def loss(seed: int, step: int) -> float:
    return 1 / (step + seed / 7 + 0.1)


def weights_after(seed: int, steps: int) -> torch.Tensor:
    weights = torch.full((8, 8), 1.0 + seed)
    for step in range(1, steps + 1):
        weights = weights * 1.25 + step
    return weights


def train(folder: Path, note: Note) -> None:
    """What a conductor and its worker do with the disk, from opening to the last CSV file."""
    store = open_store(folder / DB)
    number = store.plans.add(plan(variants=VARIANTS, seeds=SEEDS))
    note("plan", number)
    store.queue.retry_failed(number)
    while (claim := store.queue.claim(number, this_process("life"))) is not None:
        note("claim", claim.run)
        train_one(store, claim, note)
    export(store, folder / "export")
    store.close()


def train_one(store: Store, claim: Any, note: Note) -> None:
    place = run_folder(store.root, claim.fingerprint, claim.seed, claim.attempt)
    seed = claim.run
    saved = checkpoint.load_newest(place, torch.device("cpu"))
    start = 0 if saved is None else saved["step"]
    weights = weights_after(seed, 0) if saved is None else saved["weights"]
    if saved is not None:
        store.measurements.forget_points(claim, start)
    points = [Point("loss", step, step / 2, loss(seed, step)) for step in range(1, start + 1)]
    for step in range(start + 1, STEPS + 1):
        weights = weights * 1.25 + step
        points.append(Point("loss", step, step / 2, loss(seed, step)))
        if step in SAVED:
            checkpoint.save(place, step, {"step": step, "weights": weights})
        store.measurements.write_points(claim, points, steps=step)
        note("points", claim.run, [[p.step, p.value] for p in points])
        points = []
    data = weights.numpy().tobytes()
    write_atomically(place / "weights.bin", data)
    save_picture(place / "0.png", np.full((8, 8, 3), seed, np.uint8))
    home = place.relative_to(store.root)
    done = outcome(
        store, claim, 30.0 + seed, steps=STEPS, weights=str(home / "weights.bin"),
        weights_sha256=hashlib.sha256(data).hexdigest(),
        pictures=(PictureRow(PHOTOS.manifest, "chelsea", "sr", str(home / "0.png")),),
    )  # fmt: skip
    store.measurements.finish(claim, done)
    note("done", claim.run)
    checkpoint.discard(place)


def asked(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """What SQLite itself says, without the store's help."""
    if not (folder / DB).exists():
        return []
    with closing(sqlite3.connect(folder / DB)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


def lost(folder: Path, notes: list[list[Any]]) -> list[str]:
    """What had been acknowledged and is not there, right after the fault."""
    wrong = [f"integrity: {row[0]}" for row in asked(folder, "PRAGMA integrity_check")]
    wrong = [line for line in wrong if line != "integrity: ok"]
    there = set(asked(folder, POINTS))
    done = {run for (run,) in asked(folder, "SELECT id FROM runs WHERE state = 'done'")}
    scored = dict(asked(folder, "SELECT run_id, count(*) FROM scores GROUP BY 1"))
    plans = asked(folder, "SELECT id FROM plans")
    for what, *details in notes:
        if what == "plan" and not plans:
            wrong.append("a plan is lost")
        if what == "done" and (details[0] not in done or scored.get(details[0]) != len(scores())):
            wrong.append(f"run {details[0]} was done")
        if what == "points":
            run, points = details
            wrong += [f"{run}: point {p}" for p in points if (run, *p) not in there]
    if any(number != len(scores()) for number in scored.values()) or set(scored) != done:
        wrong.append(f"runs that are half done: {scored} of {done}")
    return wrong


def trained(folder: Path) -> list[str]:
    """What differs from a life without faults."""
    wrong = lost(folder, [])
    wrong += [f"link {row}" for row in asked(folder, "PRAGMA foreign_key_check")]
    runs = asked(folder, "SELECT id, seed, state, steps, weights, weights_sha256 FROM runs")
    if [run[2:4] for run in runs] != [("done", STEPS)] * RUNS:
        wrong.append(f"runs {runs}")
    for run, _, _, _, weights, sha in runs:
        wanted = weights_after(run, STEPS).numpy().tobytes()
        if weights is None or (folder / "db" / weights).read_bytes() != wanted:
            wrong.append(f"weights of run {run}")
        if sha != hashlib.sha256(wanted).hexdigest():
            wrong.append(f"digest of run {run}")
    points = asked(folder, POINTS + " ORDER BY 1, 2")
    steps = range(1, STEPS + 1)
    if points != [(run[0], step, loss(run[0], step)) for run in runs for step in steps]:
        wrong.append(f"points {points}")
    for run, path in asked(folder, "SELECT run_id, path FROM pictures"):
        if np.asarray(Image.open(folder / "db" / path)).tolist() != [[[run] * 3] * 8] * 8:
            wrong.append(f"picture {path}")
    wrong += [f"left over: {p}" for p in folder.rglob("*.part")]
    return wrong + exported(folder)


def exported(folder: Path) -> list[str]:
    """CSV files that do not hold all rows."""
    wrong = []
    for table in ("runs", "points", "scores", "studies", "images"):
        path = folder / "export" / f"{table}.csv"
        (rows,) = asked(folder, f"SELECT count(*) FROM {table}") or [(0,)]
        with path.open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        if len(found) != rows[0]:
            wrong.append(f"{path.name}: {len(found)} of {rows[0]} rows")
    return wrong


def finished(folder: Path) -> None:
    train(folder, lambda *what: None)
    shutil.rmtree(folder / "export")


NEXT = "v0003"
MIGRATION = f"""
from alembic import op
import sqlalchemy as sa
revision, down_revision = "{NEXT}", "{SCHEMA}"

def upgrade():
    with op.batch_alter_table("segments") as segments:
        segments.add_column(sa.Column("mood", sa.Text()))
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("mood", sa.Text()))
"""


def to_migrate(folder: Path) -> None:
    finished(folder)
    made = folder / "scripts"
    shutil.copytree(SCRIPTS, made, ignore=shutil.ignore_patterns("__pycache__"))
    (made / "versions" / "next.py").write_text(MIGRATION)


def migrate(folder: Path, note: Note) -> None:
    address = find(folder / DB)
    engine = open_engine(address, Journal("truncate", "as here"))
    try:
        bring_up_to_date(engine, address, create=False, scripts=folder / "scripts", schema=NEXT)
    finally:
        engine.dispose()
    note("migrated")


TABLES = ("runs", "points", "scores", "plans")
RUNS = len(VARIANTS) * len(SEEDS)
WANTED = {"runs": RUNS, "points": RUNS * STEPS, "scores": RUNS * len(scores()), "plans": 1}


def counts(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as connection:
        return {t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES}


def half_migrated(folder: Path, notes: list[list[Any]]) -> list[str]:
    """A migration that neither happened nor not."""
    found = counts(folder / DB)
    wrong = [] if found == WANTED else [f"rows {found}"]
    wrong += [f"integrity {r}" for r in asked(folder, "PRAGMA integrity_check") if r != ("ok",)]
    moods = [
        name
        for table in ("runs", "segments")
        for (name,) in asked(folder, f"SELECT name FROM pragma_table_info('{table}')")
        if name == "mood"
    ]
    version = asked(folder, "SELECT version_num FROM srbench_version")[0][0]
    if (version, len(moods)) not in ((SCHEMA, 0), (NEXT, 2)):
        wrong.append(f"schema {version} with {len(moods)} of 2 new columns")
    if notes and version != NEXT:
        wrong.append("an acknowledged migration is gone")
    return wrong + [f"left: {n}" for (n,) in asked(folder, "SELECT name FROM sqlite_schema")
                    if "_tmp_" in n]  # fmt: skip


def migrated(folder: Path) -> list[str]:
    wrong = half_migrated(folder, [["migrated"]])
    copy = folder / "db" / f"srbench.before-{NEXT}.sqlite"
    with closing(sqlite3.connect(copy)) as connection:
        version = connection.execute("SELECT version_num FROM srbench_version").fetchone()
    if counts(copy) != WANTED or version != (SCHEMA,):
        wrong.append(f"the copy holds {counts(copy)} of schema {version}")
    return wrong + [f"left over: {p}" for p in folder.rglob("*.part")]


def command(*words: str) -> Callable[[Path, Note], None]:
    """A life that is one of srbench's own commands."""

    def live(folder: Path, note: Note) -> None:
        os.chdir(folder)
        main.main(words)

    return live


def mirror(folder: Path, note: Note) -> None:
    store = open_store(folder / DB, create=False)
    refresh(store, "demo")
    store.close()


def mirrored(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "db" / "optuna.sqlite")) as connection:
        states = connection.execute("SELECT state, count(*) FROM trials GROUP BY 1").fetchall()
    return [] if states == [("COMPLETE", RUNS)] else [f"trials {states}"]


def reported(folder: Path) -> list[str]:
    """Files of a report that are not there or not whole."""
    home = folder / "reports" / "demo"
    page = (home / "index.html").read_text(encoding="utf-8")
    wrong = [] if page.rstrip().endswith("</html>") else ["the page is torn"]
    for path in sorted(home.rglob("*")):
        if path.is_file() and (path.stat().st_size == 0 or path.suffix == ".part"):
            wrong.append(f"{path.name} is no whole file")
    for path in home.rglob("*.png"):
        Image.open(path).load()
    return wrong


def torn_report(folder: Path, notes: list[list[Any]]) -> list[str]:
    """A page is whole or not there, whenever a fault came."""
    page = folder / "reports" / "demo" / "index.html"
    wrong = lost(folder, [])
    return wrong if not page.exists() else wrong + [w for w in reported(folder) if "page" in w]


def study_exported(folder: Path) -> list[str]:
    runs = (folder / "export" / "runs.csv").read_text(encoding="utf-8").splitlines()
    names = json.loads((folder / "export" / "study.json").read_text(encoding="utf-8"))["name"]
    return [] if (len(runs), names) == (3, "demo") else [f"{len(runs)} lines of {names}"]


LIVES = {
    life.name: life
    for life in (
        Life("train", lambda folder: None, train, lost, trained),
        Life("migrate", to_migrate, migrate, half_migrated, migrated),
        Life("export", finished, command("export"), lost, exported),
        Life("export study", finished, command("export", "demo"), lost, study_exported),
        Life("mirror", finished, mirror, lost, mirrored),
        Life("report", finished, command("report", "demo"), torn_report, reported),
    )
}
