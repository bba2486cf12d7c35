"""Which run of another database is which of ours, and what becomes of it.

The same fingerprint, seed and weights are the same run. A result takes the place of a run that
waits here; two results that differ are both kept, and this database's goes on to count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from srbench.core.errors import DatabaseError
from srbench.core.places import run_folder
from srbench.store.run_rows import gone_owners, is_free
from srbench.store.tables import Curve, Picture, Point, Run, Score
from srbench.store.upsert import table_of
from srbench.store.validate_rows import check_path

Row = dict[str, Any]
Kind = Literal["new", "finished", "same", "apart", "waiting"]
ENDED = ("done", "failed", "pruned")


@dataclass(frozen=True)
class Taken:
    """A run there, and what became of it: its number here, None where it is left out."""

    number: int | None
    kind: Kind
    there: str  # the folder of its files, below the databases' folders
    here: str
    weights: str | None = None  # their file there, and its SHA-256
    sha256: str | None = None

    @property
    def brings_results(self) -> bool:
        return self.kind in ("new", "finished", "apart")

    def moved(self, path: str) -> str:
        """Where a file of this run lies here."""
        inside = path.startswith(f"{self.there}/")
        return self.here + path.removeprefix(self.there) if inside else path


def refuse_busy(target: Connection, now: float) -> None:
    """A merge may replace runs that wait: none may be under way meanwhile."""
    free = is_free(Run, now, gone_owners(target))
    busy = select(func.count(Run.id)).where(Run.state == "running", ~free)
    count = target.execute(busy).scalar_one()
    if count:
        noun = "run is" if count == 1 else "runs are"
        raise DatabaseError(f"{count} {noun} being trained into this database; merge when it rests")


def take_runs(
    target: Connection, coming: Iterator[Row], provenances: dict[int, int]
) -> dict[int, Taken]:
    """Insert or replace runs: number there → what became of it."""
    table = table_of(Run)
    known: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for mine in target.execute(select(table)).mappings():
        known[mine["fingerprint"], mine["seed"]].append(dict(mine))
    found = {}
    for row in coming:
        own = known[row["fingerprint"], row["seed"]]
        kind, attempt, rival = decided(row, own)
        there = folder(row["fingerprint"], row["seed"], row["attempt"])
        here = folder(row["fingerprint"], row["seed"], attempt)
        values = resting({name: value for name, value in row.items() if name != "id"})
        values["attempt"] = attempt
        if row["provenance_id"] is not None:
            values["provenance_id"] = provenances[row["provenance_id"]]
        if row["weights"] is not None:
            check_path(row["weights"])
            values["weights"] = Taken(None, kind, there, here).moved(row["weights"])
        number = None if rival is None else rival["id"]
        if kind in ("new", "apart"):
            new = insert(table).values(values).returning(Run.id)
            number = target.execute(new).scalar_one()
            own.append(values | {"id": number})
        elif kind == "finished":
            assert rival is not None
            forget_results(target, rival["id"])
            values["fence"] = max(row["fence"], rival["fence"]) + 1  # its last owner is late
            target.execute(update(table).where(table.c.id == number).values(values))
            rival.update(values)
        found[row["id"]] = Taken(number, kind, there, here, row["weights"], row["weights_sha256"])
    return found


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
        return "new", max(attempts) + 1, None  # what failed here was done there
    return "apart", min(*attempts, 1) - 1, None


def is_same(mine: Row, row: Row) -> bool:
    """Whether two runs of one fingerprint and seed are one: the same weights, or failure."""
    if mine["state"] != row["state"] or row["state"] not in ENDED:
        return False
    if row["state"] == "done":
        return bool(mine["weights_sha256"] == row["weights_sha256"])
    told = ("reason", "steps", "finished_at")
    return all(mine[name] == row[name] for name in told)


def progress(row: Row) -> tuple[int, int]:
    """How far a run is: queued, begun, ended."""
    if row["state"] in ENDED:
        return 2, row["steps"]
    return int(row["state"] != "queued"), row["steps"]


def resting(row: Row) -> Row:
    """A run that is trained there is an interrupted one here: its owner is not ours."""
    if row["state"] != "running":
        return row
    return row | {"state": "interrupted", "lease_until": None}


def forget_results(target: Connection, run: int) -> None:
    """Drop what a run that waits has left so far; its results take that place."""
    curves, points = table_of(Curve), table_of(Point)
    own = select(curves.c.id).where(curves.c.run_id == run)
    target.execute(delete(points).where(points.c.curve_id.in_(own)))
    target.execute(delete(curves).where(curves.c.run_id == run))
    for model in (Score, Picture):
        table = table_of(model)
        target.execute(delete(table).where(table.c.run_id == run))


def folder(fingerprint: str, seed: int, attempt: int) -> str:
    """The folder of a run's files below the database's; refuses what would lead elsewhere."""
    path = run_folder(Path(), fingerprint, seed, attempt).as_posix()
    check_path(path)
    return path
