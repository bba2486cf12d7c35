"""What workers report about their runs, written to the store: points, results, scores, failures."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from srbench.run.assignments import Assignments
from srbench.run.messages import (
    Done,
    Failed,
    Message,
    Progress,
    Resumed,
    Scoring,
    Stopped,
    Trained,
)
from srbench.run.progress import Terminal
from srbench.run.search import Searcher
from srbench.run.seats import Worker
from srbench.store import Lease, LeaseLost, MissingScore, Point, Reason, Store
from srbench.train import checkpoint

MAX_DEATHS = 2  # of one run's worker, before the run counts as failed


class Outcomes:
    """The rows of one plan's runs, as their workers report them."""

    def __init__(
        self, store: Store, assignments: Assignments, display: Terminal, search: Searcher | None
    ) -> None:
        self.store, self.assignments, self.display = store, assignments, display
        self.search = search
        self.to_score: list[MissingScore] = []
        self.unscored: set[int] = set()  # runs whose scoring failed
        self.reasons: set[str] = set()  # for missing scores: each is shown once
        self.deaths: dict[int, int] = {}  # run -> workers that died in it

    def take(self, worker: Worker, message: Message) -> None:
        """Write what a worker reports about the run or the scores that it works on."""
        if worker.scoring is not None:
            self._take_scores(worker, worker.scoring, message)
            return
        lease = worker.lease
        assert lease is not None
        match message:
            case Resumed():
                self.store.measurements.forget_points(lease, message.step)
                worker.steps = message.step
                self.display.resumed(lease, message.step)
            case Progress():
                points = [Point(*point) for point in message.points]
                self.store.measurements.write_points(lease, points, steps=message.step)
                worker.steps = message.step
                self.display.progressed(lease, message)
                self._perhaps_prune(worker, lease, message)
            case Trained():
                worker.trained = message.done
                self.display.scoring(lease)
            case Scoring():
                sets = self.assignments.images_to_score()
                self.display.scored(lease, message.images, sum(sets.values()))
            case Done():
                self._finish(worker, lease, message)
            case Failed():
                self._fail(worker, lease, message)
            case Stopped() if worker.pruned and self.search is not None:
                at, why = worker.pruned
                self.search.prune(lease, at, why, steps=message.steps, seconds=message.train_s)
                self._end(worker, lease)
                self.display.pruned(lease, why)
            case Stopped():
                self.store.queue.interrupt(lease, message.steps)
                worker.lease = worker.trained = None
                self.display.stopped(lease, message.steps)

    def release(self, worker: Worker) -> None:
        """Return what a worker has under way to the queue."""
        if worker.lease is not None:
            with suppress(LeaseLost):
                self.store.queue.interrupt(worker.lease, worker.steps)
        if worker.scoring is not None:
            self.to_score.append(worker.scoring)
        worker.lease = worker.scoring = worker.trained = None

    def take_death(self, worker: Worker) -> None:
        """A worker died: another continues its run, unless the run ends every worker."""
        lease, ending = worker.lease, worker.seat.ending
        if worker.seat.lost:
            if worker.busy:
                self.release(worker)
                self.display.note(f"{ending}; its run continues elsewhere from its checkpoint")
        elif worker.scoring is not None:
            self._score_again(worker.scoring, f"a worker on {worker.device} was {ending}")
        elif lease is None:
            return
        elif self._died_too_often(lease.run):
            died = f"the worker process died {MAX_DEATHS} times in this run, last {ending}"
            self._give_up(worker, lease, "lost", died)
        else:
            self.store.queue.interrupt(lease, worker.steps)
            self.display.note(
                f"a worker on {worker.device} was {ending}; its run continues from its checkpoint"
            )

    def take_blame(self, worker: Worker, why: str) -> bool:
        """Count a failure for what a worker had under way; whether that ended it."""
        if worker.scoring is not None:
            missing, worker.scoring = worker.scoring, None
            self._score_again(missing, why)
        elif worker.lease is not None and self._died_too_often(worker.lease.run):
            self._give_up(worker, worker.lease, "error", why)
        return not worker.busy

    def _perhaps_prune(self, worker: Worker, lease: Lease, message: Progress) -> None:
        if self.search is None or lease.judged or worker.pruned is not None:
            return
        names = frozenset(name for name, *_ in message.points)
        worker.pruned = self.search.should_prune(lease, names)
        if worker.pruned is not None:
            worker.seat.send("stop")

    def _finish(self, worker: Worker, lease: Lease, done: Done) -> None:
        """Write a run's results; scores that could not be taken are asked for again."""
        assert worker.machine is not None  # it has been ready
        self.store.measurements.finish(lease, self.assignments.outcome(lease, done, worker.machine))
        self._end(worker, lease, for_good=True)
        self.display.finished(lease, done)
        self._show_missing(done)
        if done.unscored:
            self.unscored.add(lease.run)
            first = done.unscored.splitlines()[0]
            name = f"{lease.variants[0]}, seed {lease.seed}"
            self.display.note(f"{name} is trained and stored, but could not be scored: {first}")

    def _fail(self, worker: Worker, lease: Lease, failed: Failed) -> None:
        assert worker.machine is not None  # it has been ready
        self.store.queue.fail(
            lease, failed.reason, failed.message, steps=failed.steps,  # type: ignore[arg-type]
            provenance=self.assignments.provenance(worker.machine),
        )  # fmt: skip
        self._end(worker, lease, for_good=True)
        self.display.failed(lease, failed.reason, failed.message)

    def _end(self, worker: Worker, lease: Lease, *, for_good: bool = False) -> None:
        """A run has ended; `for_good` where its checkpoints are no longer needed."""
        if for_good:
            checkpoint.discard(self.assignments.folder(lease))
        worker.lease = worker.pruned = worker.trained = None
        if self.search is not None and not lease.judged:
            self.search.ended(lease)

    def _give_up(self, worker: Worker, lease: Lease, reason: Reason, message: str) -> None:
        """End a run that fails again and again; its weights are stored if only scoring fails."""
        if worker.trained is not None:
            self._finish(worker, lease, replace(worker.trained, unscored=message))
            return
        self._fail(worker, lease, Failed(lease.run, reason, message, worker.steps))

    def _take_scores(self, worker: Worker, missing: MissingScore, message: Message) -> None:
        if isinstance(message, Scoring):
            of = self.assignments.images_to_score()[missing.dataset]
            self.display.scored(missing, message.images, of)
            return
        if isinstance(message, Done):
            scores, pictures = self.assignments.rows(missing, message)
            self.store.measurements.write_scores(missing.run, scores, pictures)
            self._score_ended(worker, missing)
            self._show_missing(message)
            if message.unscored:
                self._note_unscored(missing.run, message.unscored)
        elif isinstance(message, Failed):
            self._note_unscored(missing.run, message.message)
            self._score_ended(worker, missing)

    def _score_ended(self, worker: Worker, missing: MissingScore) -> None:
        worker.scoring = None
        self.display.scores_ended(missing)

    def _note_unscored(self, run: int, why: str) -> None:
        self.unscored.add(run)
        self.display.note(f"run {run} could not be scored: {why.splitlines()[0]}")

    def _score_again(self, missing: MissingScore, how: str) -> None:
        if self._died_too_often(missing.run):
            self.unscored.add(missing.run)
            self.display.note(f"{how}; run {missing.run} is scored by the next srbench run")
        else:
            self.to_score.append(missing)

    def _show_missing(self, done: Done) -> None:
        for why in done.missing:
            if why not in self.reasons:
                self.reasons.add(why)
                self.display.note(f"{why}; the next srbench run tries again")

    def _died_too_often(self, run: int) -> bool:
        """Count one more death of a worker in this run; whether they are too many."""
        self.deaths[run] = self.deaths.get(run, 0) + 1
        return self.deaths[run] >= MAX_DEATHS
