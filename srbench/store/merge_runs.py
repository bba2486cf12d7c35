"""Which run of another database is which of ours, and what becomes of it.

The same fingerprint, seed and weights are the same run. A result takes the place of a run that
waits here; two results that differ are both kept, and this database's goes on to count.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from sqlalchemy import Connection, delete, func, select, update

from srbench.core.errors import DatabaseError
from srbench.core.places import run_folder
from srbench.store.merge_tables import Kind, Taken, Transfer, rows, without_id
from srbench.store.run_rows import gone_owners, is_free
from srbench.store.tables import Curve, Picture, Point, Run, Score
from srbench.store.upsert import Row, table_of
from srbench.store.validate_rows import check_path

ENDED = ("done", "failed", "pruned")
RUNS, CURVES, PICTURES = map(table_of, (Run, Curve, Picture))


def refuse_busy(target: Connection, now: float) -> None:
    """Refuse to merge while runs are trained into this database: it may replace them."""
    free = is_free(Run, now, gone_owners(target))
    busy = select(func.count(Run.id)).where(Run.state == "running", ~free)
    if count := target.execute(busy).scalar_one():
        noun = "run is" if count == 1 else "runs are"
        raise DatabaseError(f"{count} {noun} being trained into this database; merge when none is")


def take_runs(transfer: Transfer) -> None:
    """Insert or replace runs."""
    known: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows(transfer.target, RUNS):
        known[row["fingerprint"], row["seed"]].append(row)
    numbers = transfer.numbers.setdefault("runs", {})
    for row in transfer.coming(RUNS):
        place = (row["fingerprint"], row["seed"])
        kind, attempt, rival = decided(row, known[place])
        folders = folder(*place, row["attempt"]), folder(*place, attempt)
        taken = Taken(kind, *folders, row["weights"], row["weights_sha256"])
        values = row | {"attempt": attempt}
        if row["weights"] is not None:
            values["weights"] = taken.moved(row["weights"])
        if row["state"] == "running":  # its owner is not ours
            values |= {"state": "interrupted", "lease_until": None}
        if kind in ("new", "apart"):
            rival = values | {"id": transfer.insert(RUNS, values)}
            known[place].append(rival)
        elif kind == "finished" and rival is not None:
            forget_results(transfer.target, rival["id"])
            fence = max(row["fence"], rival["fence"]) + 1  # a late owner writes nothing
            rival |= without_id(values) | {"fence": fence}
            changed = update(RUNS).where(RUNS.c.id == rival["id"]).values(without_id(rival))
            transfer.target.execute(changed)
        numbers[row["id"]] = None if rival is None else rival["id"]
        transfer.runs[row["id"]] = taken


def take_curves(transfer: Transfer) -> None:
    """Take the curves of runs whose results come from there."""
    curves = rows(transfer.source, CURVES)
    kept = {row["id"] for row in curves if not transfer.runs[row["run_id"]].brings_results}
    transfer.take(CURVES, without=kept)


def take_pictures(transfer: Transfer) -> None:
    """Take pictures, with the paths that their files will have here."""
    new = []
    for row in rows(transfer.source, PICTURES):
        if (own := transfer.moved(PICTURES, row)) is not None:
            path = transfer.runs[row["run_id"]].moved(row["path"])
            transfer.pictures[row["path"]] = path
            new.append(own | {"path": path})
    transfer.pour(PICTURES, new)


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
    target.execute(delete(Point).where(Point.curve_id.in_(own)))
    for model in (Curve, Score, Picture):
        target.execute(delete(model).filter_by(run_id=run))


def folder(fingerprint: str, seed: int, attempt: int) -> str:
    """The folder of a run's files below the database's; CorruptRowError where it leads out."""
    path = run_folder(Path(), fingerprint, seed, attempt).as_posix()
    check_path(path)
    return path
