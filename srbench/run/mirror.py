"""Optuna's file follows the rows: `run` brings it up to date now and then, `dashboard` on opening.

Nothing else writes there. Trouble with the file never harms a study: results are in our database.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

from srbench.analysis.history import tried
from srbench.core.errors import DatabaseError, ServerGone
from srbench.core.files import disk_errors
from srbench.store import Store, this_process
from srbench.store.problems import deepest

EVERY_S = 15.0  # between two refreshes while runs are trained
LIMIT_S = 10.0  # of a refresh, while leases wait to be prolonged; the next one goes on
SHARE = 20  # a refresh that takes a second comes at most every so many seconds


class OptunaFileError(DatabaseError):
    """Optuna's file is damaged, locked or cannot be written; our database is not concerned."""


@contextmanager
def folder_of(store: Store) -> Iterator[Path]:
    """The folder of Optuna's file: the store's, or one for this call where that is read-only."""
    own = store.root / "optuna.sqlite"
    if os.access(store.root, os.W_OK) and (not own.exists() or os.access(own, os.W_OK)):
        yield store.root
        return
    with TemporaryDirectory(prefix="srbench-") as folder:
        yield Path(folder)


def refresh(store: Store, study: str, limit_s: float = inf, *, folder: Path | None = None) -> bool:
    """Bring Optuna's file up to the rows of a study; False if that takes longer than `limit_s`.

    The file is in `folder`, else in that of the store.

    Raises:
        OptunaFileError: the file is damaged, locked or cannot be written.
        DatabaseError: our rows cannot be read.
        DiskError: its lock cannot be written.
    """
    from srbench.run.mirror_runs import (
        shown_runs,  # late: Optuna takes a second
        shown_search,
    )
    from srbench.run.optuna_file import opened

    until = time.monotonic() + limit_s
    folder = folder or store.root
    with _locked(folder):
        results = store.reading.results(study)
        facts, plan = results.facts, store.plans.latest(study)
        free = {run for run, *_ in store.queue.waiting(plan)}
        shown = [shown_runs(results, free)]
        if facts.search is not None:
            history = tried(store.trials.read(plan, this_process()), facts.search, facts.epochs)
            shown.append(shown_search(results, history, free))
        try:
            with opened(folder) as file:
                return all(file.bring_up_to_date(one, until) for one in shown)
        except Exception as problem:
            raise OptunaFileError(
                f"Optuna's file cannot be written ({deepest(problem)}); results are safe. See that "
                "the disk has space, delete this file if it is damaged, then run the same command "
                "again",
                place=str(folder / "optuna.sqlite"),
            ) from problem


class Refresher:
    """Refreshes a study's view in Optuna while it runs; stops at the first trouble, with a line."""

    def __init__(self, store: Store, study: str, say: Callable[[str], None]) -> None:
        self.store, self.study, self.say = store, study, say
        self.due = time.monotonic() + EVERY_S
        self.failed = False
        self.complete = True

    def now_and_then(self) -> None:
        """Refresh where it is time."""
        if time.monotonic() >= self.due:
            self.refresh()

    def refresh(self) -> None:
        """Refresh now."""
        begun = time.monotonic()
        try:
            if not self.failed:
                self.complete = refresh(self.store, self.study, LIMIT_S)
        except ServerGone:
            self.complete = False
        except Exception as problem:
            self.failed = True
            if isinstance(problem, DatabaseError) and not isinstance(problem, OptunaFileError):
                self.say(f"Optuna's file stays behind: {problem}")
                return
            self.say(
                f"Optuna's file stays behind ({deepest(problem)}); results are safe, and srbench "
                "dashboard brings it up to date"
            )
        now = time.monotonic()
        self.due = now + max(EVERY_S, SHARE * (now - begun))


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One process at a time refreshes: else older rows could overwrite newer ones."""
    with disk_errors(root / "optuna.lock"):
        root.mkdir(parents=True, exist_ok=True)
        file = (root / "optuna.lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
