"""The store as the conductor and the commands meet it: one value, one method a verb.

Each method is one transaction. What reads into frames is imported when it is asked for: pandas
takes half a second that `srbench run` on a finished study does without.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from srbench.analysis.history import TrialRow
from srbench.analysis.published import Published
from srbench.core.errors import DatabaseError
from srbench.store import (
    doctor,
    export,
    finished,
    former,
    latency,
    looks,
    measurements,
    migrate,
    missing,
    plans,
    published,
    queue,
    show,
    sql,
    trials,
)
from srbench.store.address import Address, check_file, find
from srbench.store.copies import copy_database
from srbench.store.engine import open_engine, settle_journal
from srbench.store.finished import FinishedRun, Measured
from srbench.store.former import Former, Scored
from srbench.store.journal import Disk, Journal, choose, disk_of
from srbench.store.values import (
    Claim,
    LatencyPass,
    LookRow,
    Merged,
    MissingScore,
    Outcome,
    Owner,
    PictureRow,
    PlanRecord,
    Point,
    Proposal,
    Provenance,
    Reason,
    ScoreRow,
    VariantRecord,
)

if TYPE_CHECKING:  # for weight only: nothing here is imported the other way round
    from pandas import DataFrame

    from srbench.analysis.results import Results


@dataclass(frozen=True)
class Store:
    """An open database and the folder of its run files. Made by `open_store`."""

    engine: Engine
    address: Address
    journal: Journal
    disk: Disk
    clock: Callable[[], float] = time.time

    @property
    def url(self) -> str:
        """What opens this database again; holds the password where there is one."""
        return self.address.url.render_as_string(hide_password=False)

    @property
    def root(self) -> Path:
        """The folder that paths of weights and pictures are relative to."""
        return self.address.root

    # planning

    def add_plan(self, plan: PlanRecord) -> int:
        """Write the plan down and queue what is new; its number. Twice is once."""
        return plans.add(self.engine, plan, self.clock())

    def find_plan(self, key: str) -> int | None:
        """The newest plan with this shortcut key; None where there is none."""
        return plans.find(self.engine, key)

    def formers(self, scale: int, numerics: str, wanted: Set[Scored]) -> list[Former]:
        """Trainings with finished runs; their seeds are those with every wanted score."""
        return former.formers(self.engine, scale, numerics, wanted)

    def sources(self, fingerprints: Set[str]) -> dict[str, tuple[str, int]]:
        """Fingerprint → source and version of the training loop of stored trainings."""
        return former.sources(self.engine, fingerprints)

    def known_fingerprints(self, fingerprints: Set[str]) -> set[str]:
        """Which of these trainings were planned before."""
        return set(self.sources(fingerprints))

    def make_latest(self, plan: int) -> None:
        """Make a plan that was found what its study's name stands for."""
        plans.make_latest(self.engine, plan)

    def latest_plan(self, study: str) -> int:
        """The study's latest plan; DatabaseError where the study is unknown."""
        return plans.latest(self.engine, study)

    def add_attempts(self, plan: int, only: Sequence[str] | None = None) -> int:
        """Queue every run of the plan (or of these variants) afresh; how many."""
        return queue.add_attempts(self.engine, plan, only, self.clock())

    def retry_failed(self, plan: int) -> int:
        """Queue afresh what failed by accident (not what diverged); how many."""
        return queue.retry_failed(self.engine, plan, self.clock())

    def add_provenance(self, provenance: Provenance) -> int:
        """The number of this provenance, new or known."""
        return plans.add_provenance(self.engine, provenance)

    # the queue

    def plan_states(self, plan: int) -> dict[str, int]:
        """State → number of the plan's runs in it, latest attempts only."""
        return queue.states(self.engine, plan)

    def given_up(self, plan: int) -> int:
        """How many runs that the plan judges were pruned, by the search of another plan."""
        return queue.given_up(self.engine, plan)

    def claim(self, plan: int, owner: Owner) -> Claim | None:
        """Take the next free run of the plan, or None."""
        return queue.claim(self.engine, plan, owner, self.clock())

    def claimable(self, plan: int, most: int | None = None) -> int:
        """How many runs of the plan are free now; no more than `most` are counted."""
        return queue.claimable(self.engine, plan, most, self.clock())

    def waiting(self, plan: int) -> list[tuple[int, str, int]]:
        """Number, fingerprint and finished steps of every run of the plan that is free now."""
        return queue.waiting(self.engine, plan, self.clock())

    def running_elsewhere(self, plan: int, owner: Owner) -> int:
        """How many runs of the plan other living processes hold."""
        return queue.running_elsewhere(self.engine, plan, owner, self.clock())

    def heartbeat(self, claim: Claim) -> bool:
        """Keep the claim; False where somebody else has the run now."""
        return queue.heartbeat(self.engine, claim, self.clock())

    def write_progress(self, claim: Claim, steps: int) -> None:
        """Say how far the run is. Fenced where the claim is lost, as for all that follow."""
        queue.progress(self.engine, claim, steps, self.clock())

    def write_points(
        self, claim: Claim, points: Sequence[Point], *, steps: int | None = None
    ) -> None:
        """Add points to curves, replacing those of the same step; `steps` says how far it is."""
        measurements.write_points(self.engine, claim, points, steps, self.clock())

    def forget_points(self, claim: Claim, after: int) -> None:
        """Drop points past the step that the run goes on from."""
        measurements.forget_points(self.engine, claim, after, self.clock())

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """The run is done: state, weights, times, scores and pictures in one transaction."""
        measurements.finish(self.engine, claim, outcome, self.clock())

    def fail(
        self,
        claim: Claim,
        reason: Reason,
        message: str,
        *,
        steps: int,
        provenance: int | None = None,
    ) -> None:
        """The run has ended without a result, for a reason."""
        more = {"steps": steps, "provenance_id": provenance}
        queue.fail(self.engine, claim, reason, message, self.clock(), **more)

    def interrupt(self, claim: Claim, steps: int) -> None:
        """Give the run back; whoever claims it next goes on from its checkpoint."""
        queue.interrupt(self.engine, claim, steps, self.clock())

    # scores of finished runs

    def missing_scores(self, plan: int) -> list[MissingScore]:
        """What the plan's finished runs were not scored on yet."""
        return missing.missing_scores(self.engine, plan)

    def write_scores(
        self, run_id: int, scores: Sequence[ScoreRow], pictures: Sequence[PictureRow] = ()
    ) -> None:
        """Scores and pictures of a finished run."""
        measurements.write_scores(self.engine, run_id, scores, pictures)

    def finished_runs(self) -> list[FinishedRun]:
        """Every finished training, with all that it takes to make it again."""
        return finished.finished_runs(self.engine)

    def measured(self, run_id: int, protocol: str) -> Measured:
        """Everything that a run left: curves whole, and scores under one protocol."""
        return finished.measured(self.engine, run_id, protocol)

    # seeds until decided, and what others published

    def planned_looks(self, plan: int) -> tuple[int, ...]:
        """The numbers of seeds at which a plan looks; empty where their number is fixed."""
        return looks.planned_looks(self.engine, plan)

    def write_looks(self, plan: int, rows: Sequence[LookRow]) -> None:
        """Keep looks as they were taken; one that is there already stays what it was."""
        looks.write_looks(self.engine, plan, rows, self.clock())

    def add_seeds(self, plan: int, wanted: Mapping[str, int]) -> int:
        """Give variants the seeds from 0 up to a number; how many runs are new."""
        return looks.add_seeds(self.engine, plan, wanted, self.clock())

    def expect_study(self, study: str) -> None:
        """Let published figures stand beside a study that has not been run here yet."""
        published.expect_study(self.engine, study, self.clock())

    def write_published(self, study: str, found: Published) -> int:
        """Put a source's figures beside a study; DatabaseError where it is unknown."""
        return published.write_published(self.engine, study, found, self.clock())

    def write_latency(self, found: LatencyPass) -> int:
        """Keep a latency pass with every time it took; its number."""
        return latency.write_latency(self.engine, found, self.clock())

    # searches

    def trials(self, plan: int, me: Owner) -> list[TrialRow]:
        """The trials of a plan's search with their runs, in the order of asking."""
        return trials.trials(self.engine, plan, me, self.clock())

    def add_trial(self, plan: int, number: int, proposal: Proposal) -> bool:
        """Store a trial under the number it expects; False where somebody was first."""
        return trials.add(self.engine, plan, number, proposal, self.clock())

    def note_trial(self, plan: int, number: int, noted: dict[str, Any]) -> None:
        """Keep what sampler and pruner keep with a trial."""
        trials.note(self.engine, plan, number, noted)

    def prune(
        self, plan: int, claim: Claim, at: int, message: str, *, steps: int, seconds: float
    ) -> None:
        """End a run and its trial before the last epoch: it is not worth it."""
        more = {"steps": steps, "train_seconds": seconds}
        trials.prune(self.engine, plan, claim, at, message, self.clock(), **more)

    def give_up(self, plan: int, number: int, at: int, message: str) -> None:
        """End a trial before its last seed."""
        trials.give_up(self.engine, plan, number, at, message)

    def add_seed(self, plan: int, variant: str, seed: int) -> None:
        """Give a candidate one more seed."""
        trials.add_seed(self.engine, plan, variant, seed, self.clock())

    def add_variants(self, plan: int, records: Sequence[VariantRecord]) -> int:
        """Give a plan variants that it lacks, and queue their runs; how many were new."""
        return trials.add_variants(self.engine, plan, records, self.clock())

    def unconfirmed(self, plan: int) -> bool:
        """Whether a plan has a search whose best were not yet queued on fresh seeds."""
        return trials.unconfirmed(self.engine, plan)

    def former_search(self, plan: int) -> int | None:
        """The study's latest other plan that has trials; None where there is none."""
        return trials.former_plan(self.engine, plan)

    # reading

    def step_seconds(self, fingerprint: str, device: str) -> float | None:
        """Seconds of a training step, from finished runs; None where there are none."""
        return missing.step_seconds(self.engine, fingerprint, device)

    def results(
        self, study_or_plan: str | int, *, points: int = 400, steps: bool = True
    ) -> Results:
        """Everything measured for a study's latest plan, or for a plan by number.

        Without `steps` the losses of single steps are left out, unless a claim names them.
        """
        from srbench.store import read

        return read.results(self.engine, self.root, study_or_plan, points=points, steps=steps)

    def studies(self) -> DataFrame:
        """study, question, plans, runs, done, failed, newest: one row a study."""
        from srbench.store import read

        return read.studies(self.engine)

    def run(self, run_id: int) -> dict[str, Any]:
        """Everything about one run as plain data; DatabaseError where there is none."""
        return show.run(self.engine, run_id)

    def sql(self, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a statement that only reads; DatabaseError otherwise."""
        return sql.ask(self.address, query)

    def export(self, folder: Path, study: str | None = None) -> list[Path]:
        """Write each table as a CSV file; the files."""
        return export.export(self.engine, folder, study)

    def merge(self, other: str | os.PathLike[str]) -> Merged:
        """Take everything of another database and its run files.

        Raises:
            DatabaseError: it is unfit.
        """
        from srbench.store import merge

        return merge.merge(self.engine, self.address, find(other), self.clock())

    def back_up(self, copy: Path) -> Path:
        """Copy the database whole while others write; DatabaseError where it is a server's."""
        if self.address.path is None:
            raise DatabaseError(
                "is a server's: take a backup with pg_dump", place=self.address.shown
            )
        return copy_database(self.address.path, copy)

    def facts(self) -> dict[str, Any]:
        """How the database is set up, and whether it is well."""
        return doctor.facts(self.engine, self.address, self.journal, self.disk, self.clock())

    def close(self) -> None:
        """Close the connections; the store may be opened anew."""
        self.engine.dispose()


def open_store(
    url: str | os.PathLike[str] | None = None,
    *,
    create: bool = True,
    clock: Callable[[], float] = time.time,
) -> Store:
    """Open the database at a path or URL, else at SRBENCH_DB, else db/srbench.sqlite.

    Makes it where there is none (unless `create` is False) and upgrades an older one. DatabaseError
    where it is missing, of another program, of a newer srbench, damaged or not reachable.
    """
    found = find(url)
    check_file(found, create=create)
    disk = disk_of(found.root)
    chosen = choose(sqlite3.sqlite_version_info, disk)
    made = open_engine(found, chosen)
    try:
        migrate.bring_up_to_date(made, found, create=create)
        if found.path is not None:
            settle_journal(made, chosen)
    except BaseException:
        made.dispose()
        raise
    return Store(made, found, chosen, disk, clock)
