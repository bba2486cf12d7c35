"""Which run of another database is which of ours, what becomes of it, and its files.

The same fingerprint, seed and weights are the same run. A result takes the place of a run that
waits here; of two results that differ this database's counts, and the other is a further attempt.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, delete, func, select, update

from srbench.core.errors import DatabaseError
from srbench.core.files import ASIDE, replacing
from srbench.core.places import run_folder
from srbench.store.merge_rows import Transfer, rows, without_id
from srbench.store.run_rows import is_free
from srbench.store.table_base import Row, table_of
from srbench.store.tables import Curve, Picture, Run, Score, Segment
from srbench.store.validate_rows import check_path

ENDED = ("done", "failed", "pruned")
RUNS, PICTURES, SEGMENTS = table_of(Run), table_of(Picture), table_of(Segment)
Kind = Literal["new", "finished", "same", "apart", "waiting"]


@dataclass(frozen=True)
class Taken:
    """A run there, what becomes of it, and the folders of its files, below the databases'."""

    kind: Kind
    there: str
    here: str
    weights: str | None  # their file there, and its SHA-256
    sha256: str | None

    def moved(self, path: str) -> str:
        """Where a file of this run lies here; CorruptRowError where it leads out of the folder."""
        check_path(path)
        inside = path.startswith(f"{self.there}/")
        return self.here + path.removeprefix(self.there) if inside else path


def refuse_busy(target: Connection, now: float) -> None:
    """Refuse to merge while runs are trained into this database: it may replace them."""
    free = is_free(Run, now, target)
    busy = select(func.count(Run.id)).where(Run.state == "running", ~free)
    if count := target.execute(busy).scalar_one():
        noun = "run is" if count == 1 else "runs are"
        raise DatabaseError(f"{count} {noun} being trained into this database; merge when none is")


def take_runs(transfer: Transfer) -> dict[int, Taken]:
    """Insert or replace runs; what became of each, by its number there."""
    known: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows(transfer.target, RUNS):
        known[row["fingerprint"], row["seed"]].append(row)
    found = {}
    for row in transfer.coming(RUNS):
        own = known[row["fingerprint"], row["seed"]]
        kind, attempt, rival = decided(row, own)
        folders = folder(row, row["attempt"]), folder(row, attempt)
        taken = Taken(kind, *folders, row["weights"], row["weights_sha256"])
        values = row | {"attempt": attempt}
        if row["weights"] is not None:
            values["weights"] = taken.moved(row["weights"])
        if row["state"] == "running":  # its owner is not ours
            values |= {"state": "interrupted", "lease_until": None}
        if kind in ("new", "apart"):
            rival = values | {"id": transfer.insert(RUNS, values)}
            own.append(rival)
        elif kind == "finished" and rival is not None:
            forget_results(transfer.target, rival["id"])
            fence = max(row["fence"], rival["fence"]) + 1  # a late owner writes nothing
            rival |= without_id(values) | {"fence": fence}
            changed = update(RUNS).where(RUNS.c.id == rival["id"]).values(without_id(rival))
            transfer.target.execute(changed)
        transfer.numbers["runs"][row["id"]] = None if rival is None else rival["id"]
        found[row["id"]] = taken
    return found


def take_pictures(transfer: Transfer, runs: dict[int, Taken]) -> dict[str, str]:
    """Take pictures with the paths that their files get here: path there -> path here."""
    run_of = {here: runs[there] for there, here in transfer.numbers["runs"].items()}
    paths = {}

    def moved(row: Row) -> Row:
        paths[row["path"]] = run_of[row["run_id"]].moved(row["path"])
        return row | {"path": paths[row["path"]]}

    transfer.pour(PICTURES, moved)
    return paths


def take_segments(transfer: Transfer) -> None:
    """Take the points of the curves that have none here; the others stay as they are."""
    known = set(transfer.target.execute(select(Segment.curve_id).distinct()).scalars())
    curves = transfer.numbers["curves"]
    curves |= {there: None for there, here in curves.items() if here in known}
    transfer.pour(SEGMENTS)


def decided(row: Row, own: list[Row]) -> tuple[Kind, int, Row | None]:
    """What becomes of a run, as which attempt, and the run here that it meets."""
    attempt = row["attempt"]
    same = next((mine for mine in own if is_same(mine, row)), None)
    if same is not None:
        return "same", same["attempt"], same
    rival = next((mine for mine in own if mine["attempt"] == attempt), None)
    if rival is None:
        return "new", attempt, None
    if rival["state"] not in ENDED:
        further = progress(row) > progress(rival)
        return ("finished", attempt, rival) if further else ("waiting", attempt, None)
    if row["state"] not in ENDED:
        return "waiting", attempt, None
    attempts = [mine["attempt"] for mine in own]
    if row["state"] == "done" and all(mine["state"] != "done" for mine in own):
        return "new", max(attempts) + 1, None  # it failed here and was done there
    return "apart", min(*attempts, 1) - 1, None


def is_same(mine: Row, row: Row) -> bool:
    """Whether two runs of one fingerprint and seed are one: the same weights, or failure."""
    if mine["state"] != row["state"] or row["state"] not in ENDED:
        return False
    compared = ("weights_sha256",) if row["state"] == "done" else ("reason", "steps", "finished_at")
    return all(mine[name] == row[name] for name in compared)


def progress(row: Row) -> tuple[int, int]:
    """How far a run is: queued, begun, ended; then its steps."""
    return (2 if row["state"] in ENDED else int(row["state"] != "queued")), row["steps"]


def forget_results(target: Connection, run: int) -> None:
    """Delete what a waiting run has measured so far: the results that come take its place."""
    own = select(Curve.id).where(Curve.run_id == run)
    target.execute(delete(Segment).where(Segment.curve_id.in_(own)))
    for model in (Curve, Score, Picture):
        target.execute(delete(model).filter_by(run_id=run))


def folder(row: Row, attempt: int) -> str:
    """The folder of a run's files below the database's; CorruptRowError where it leads out."""
    path = run_folder(Path(), row["fingerprint"], row["seed"], attempt).as_posix()
    check_path(path)
    return path


def bring_files(
    runs: Iterable[Taken], pictures: Mapping[str, str], there: Path, here: Path
) -> tuple[int, tuple[str, ...]]:
    """Copy files that are not here: how many, and those that rows name and the folder lacks.

    Raises:
        DiskError: this disk is full or refuses; the merge changes nothing then.
    """
    if there.resolve() == here.resolve():
        return 0, ()
    wanted: dict[Path, Path] = {}
    missing = set()
    for run in runs:
        if run.kind == "waiting":
            continue
        damaged = None
        if run.weights and not is_whole(there / run.weights, run.sha256):
            damaged = there / run.weights
            if not is_whole(here / run.moved(run.weights), run.sha256):
                missing.add(run.weights)
        for file in sorted((there / run.there).glob("*")):
            target = here / run.here / file.name
            known = run.kind == "same" and target.exists()
            if is_plain(file) and not known and file != damaged and not file.name.endswith(ASIDE):
                wanted[file] = target
    for path, moved in pictures.items():
        if is_plain(there / path):
            wanted[there / path] = here / moved
        elif not (here / moved).is_file():
            missing.add(path)
    new = {f: to for f, to in wanted.items() if not (to.is_file() and digest(to) == digest(f))}
    for file, target in new.items():
        with file.open("rb") as read, replacing(target) as write:
            shutil.copyfileobj(read, write)
    return len(new), tuple(sorted(missing))


def is_plain(file: Path) -> bool:
    """Whether this is a file and no link to one."""
    return file.is_file() and not file.is_symlink()


def is_whole(file: Path, sha256: str | None) -> bool:
    """Whether the file is what the run has written."""
    return is_plain(file) and digest(file) == sha256


def digest(file: Path) -> str:
    """The file's SHA-256."""
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()
