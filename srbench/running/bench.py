"""The conductor: claims runs, has workers train them, and writes what they say.

Here training meets the store. Of one `srbench run` only this process writes; its
workers die with it, and what they had under way goes on from its checkpoint next time.
"""

from __future__ import annotations

import multiprocessing.connection as connections
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from srbench.planning.plan import Plan, PlannedVariant
from srbench.registry import StudyError
from srbench.running.assignments import Assignments
from srbench.running.seats import Seat, hire
from srbench.store import Claim, Fenced, MissingScore, Owner, Point, Store, this_process
from srbench.train import checkpoint
from srbench.workers.messages import (
    Done,
    Failed,
    Message,
    Progress,
    Ready,
    Refused,
    Resumed,
    Scoring,
    Stopped,
)

HEARTBEAT_S = 15.0
PATIENCE_S = 120.0  # for workers to save after a stop
MAX_DEATHS = 2  # of one run's worker, before the run is given up


@dataclass(frozen=True)
class Options:
    """How to conduct, none of which changes what comes out."""

    devices: tuple[str, ...]  # one for each worker: ("cpu", "cpu"), ("cuda:0",)
    threads: int = 1
    checkpoint_s: float = 30.0


class Watcher(Protocol):
    """Who is told how the study goes: the terminal, and Optuna's mirror."""

    def started(self, claim: Claim, steps: int) -> None: ...
    def resumed(self, claim: Claim, step: int) -> None: ...
    def progressed(self, claim: Claim, message: Progress) -> None: ...
    def scoring(self, claim: Claim) -> None: ...
    def finished(self, claim: Claim, done: Done, folder: Path) -> None: ...
    def failed(self, claim: Claim, reason: str, message: str) -> None: ...
    def pruned(self, claim: Claim, at: int, why: str) -> None: ...
    def stopped(self, claim: Claim, step: int) -> None: ...
    def said(self, text: str) -> None: ...


class Supplier(Protocol):
    """Who finds new runs while others are trained, and gives up hopeless ones: a search."""

    def supply(self, wanted: int, busy: int, stopping: Callable[[], bool]) -> None: ...
    def planned(self, claim: Claim) -> PlannedVariant: ...
    def gives_up(self, claim: Claim, curves: frozenset[str]) -> tuple[int, str] | None: ...
    def prune(self, claim: Claim, at: int, why: str, *, steps: int, seconds: float) -> None: ...
    def ended(self, claim: Claim) -> None: ...


class Conductor:
    """One `srbench run` under way."""

    def __init__(
        self,
        plan: Plan,
        number: int,
        store: Store,
        options: Options,
        watchers: Sequence[Watcher],
        search: Supplier | None = None,
    ) -> None:
        self.plan, self.number, self.store, self.options = plan, number, store, options
        self.watchers, self.search = watchers, search
        self.owner: Owner = this_process("srbench run")
        self.assignments = Assignments(
            plan, store, threads=options.threads, checkpoint_s=options.checkpoint_s,
            found=search.planned if search else None,
        )  # fmt: skip
        self.seats: list[Seat] = []
        self.to_score: list[MissingScore] = []
        self.unscored: set[int] = set()  # runs whose scoring failed
        self.wanting: set[str] = set()  # why scores are not there: each is said once
        self.deaths: dict[int, int] = {}
        self.stillborn = 0  # workers in a row that died before they were ready
        self.beat = time.monotonic()
        self.deadline = float("inf")  # for workers to stop

    def conduct(self, stopping: Callable[[], bool]) -> None:
        """Train and score everything that is left, until it is done or `stopping` says so."""
        self.to_score = [] if stopping() else self.store.missing_scores(self.number)
        try:
            while True:
                stop = stopping()
                if stop:
                    self._ask_to_stop()
                else:
                    self._hand_out(stopping)
                if all(seat.idle for seat in self.seats):
                    break
                if stop and time.monotonic() > self.deadline:
                    self._tell(
                        "said",
                        "a worker does not answer; its run goes on from its last "
                        "checkpoint next time",
                    )
                    break
                self._listen()
                self._keep_alive()
        finally:
            self._dismiss()

    def _ask_to_stop(self) -> None:
        if self.deadline < float("inf"):
            return
        self.deadline = time.monotonic() + PATIENCE_S
        training = [seat for seat in self.seats if seat.claim is not None]
        for seat in training:
            seat.tell("stop")
        for seat in [s for s in self.seats if s not in training]:  # may take a while
            self._let_go(seat)

    def _hand_out(self, stopping: Callable[[], bool]) -> None:
        """Give every idle worker a task; start workers while there is more to do."""
        busy = sum(seat.claim is not None or seat.scoring is not None for seat in self.seats)
        if self.search is not None and busy < len(self.options.devices):
            self.search.supply(len(self.options.devices) - busy, busy, stopping)
        waiting = self.store.claimable(self.number) + len(self.to_score)
        while len(self.seats) < len(self.options.devices) and waiting > self._unready():
            self.seats.append(hire(self._free_device(), self.options.threads))
        for seat in [s for s in self.seats if s.idle]:
            if self.to_score:
                seat.scoring = self.to_score.pop()
                seat.tell(self.assignments.scoring_task(seat.scoring))
            elif (claim := self.store.claim(self.number, self.owner)) is not None:
                seat.claim, seat.steps = claim, claim.steps_done
                planned = self.assignments.planned(claim)
                self._tell("started", claim, planned.steps)
                seat.tell(self.assignments.task(claim, planned))
            else:
                self._let_go(seat)

    def _free_device(self) -> str:
        free = list(self.options.devices)
        for seat in self.seats:
            free.remove(seat.device)
        return free[0]

    def _unready(self) -> int:
        return sum(not seat.ready for seat in self.seats)

    def _let_go(self, seat: Seat) -> None:
        self.seats.remove(seat)
        seat.leave()

    def _dismiss(self) -> None:
        for seat in list(self.seats):
            if seat.claim is not None:  # only after an error of ours, or an impatient stop
                seat.process.kill()
                with suppress(Fenced, StudyError):  # a full disk frees the run with this process
                    self.store.interrupt(seat.claim, seat.steps)
            self._let_go(seat)

    def _listen(self) -> None:
        pipes = {seat.pipe: seat for seat in self.seats}
        for pipe in connections.wait(list(pipes), timeout=0.25):
            seat = pipes[pipe]  # type: ignore[index]
            try:
                message: Message | None = seat.pipe.recv()
            except (EOFError, OSError):
                message = None
            try:
                if message is None:
                    self._bury(seat)
                else:
                    self._take(seat, message)
            except Fenced:
                self._tell("said", "a run was taken over by another srbench; leaving it to them")
                seat.claim = None
                seat.process.kill()
                if seat in self.seats:
                    self._let_go(seat)

    def _take(self, seat: Seat, message: Message) -> None:
        """Write down what a worker says."""
        if isinstance(message, Ready):
            seat.ready = True
            self.stillborn = 0
            return
        if isinstance(message, Refused):
            raise StudyError(f"{message.message}. Nothing is lost: runs under way are kept")
        if seat.scoring is not None:
            self._take_scores(seat, seat.scoring, message)
            return
        claim = seat.claim
        assert claim is not None
        if isinstance(message, Resumed):
            self.store.forget_points(claim, message.step)
            seat.steps = message.step
            self._tell("resumed", claim, message.step)
        elif isinstance(message, Progress):
            points = [Point(*point) for point in message.points]
            self.store.write_points(claim, points, steps=message.step)
            seat.steps = message.step
            self._tell("progressed", claim, message)
            self._perhaps_give_up(seat, claim, message)
        elif isinstance(message, Scoring):
            self._tell("scoring", claim)
        elif isinstance(message, Done):
            self.store.finish(claim, self.assignments.outcome(claim, message, seat.device))
            self._leave(seat, claim, for_good=True)
            self._tell("finished", claim, message, self.assignments.folder(claim))
            self._tell_wanting(message)
        elif isinstance(message, Failed):
            self.store.fail(
                claim, message.reason, message.message, steps=message.steps,  # type: ignore[arg-type]
                provenance=self.assignments.provenance(seat.device),
            )  # fmt: skip
            self._leave(seat, claim, for_good=True)
            self._tell("failed", claim, message.reason, message.message)
        elif isinstance(message, Stopped) and seat.given_up and self.search is not None:
            at, why = seat.given_up
            self.search.prune(claim, at, why, steps=message.steps, seconds=message.train_s)
            self._leave(seat, claim)
            self._tell("pruned", claim, at, why)
        elif isinstance(message, Stopped):
            self.store.interrupt(claim, message.steps)
            seat.claim = None
            self._tell("stopped", claim, message.steps)

    def _perhaps_give_up(self, seat: Seat, claim: Claim, message: Progress) -> None:
        if self.search is None or claim.judged or seat.given_up is not None:
            return
        names = frozenset(name for name, *_ in message.points)
        seat.given_up = self.search.gives_up(claim, names)
        if seat.given_up is not None:
            seat.tell("stop")

    def _leave(self, seat: Seat, claim: Claim, *, for_good: bool = False) -> None:
        """A run has come to its end; `for_good` where nothing will go on from its checkpoints."""
        if for_good:
            checkpoint.discard(self.assignments.folder(claim))
        seat.claim = seat.given_up = None
        if self.search is not None and not claim.judged:
            self.search.ended(claim)

    def _take_scores(self, seat: Seat, missing: MissingScore, message: Message) -> None:
        if isinstance(message, Done):
            scores, pictures = self.assignments.rows(missing, message)
            self.store.write_scores(missing.run, scores, pictures)
            seat.scoring = None
            self._tell_wanting(message)
        elif isinstance(message, Failed):
            first = message.message.splitlines()[0]
            self._tell("said", f"run {missing.run} could not be scored: {first}")
            self.unscored.add(missing.run)
            seat.scoring = None

    def _tell_wanting(self, done: Done) -> None:
        for why in done.wanting:
            if why not in self.wanting:
                self.wanting.add(why)
                self._tell("said", f"{why}; the next srbench run asks again")

    def _bury(self, seat: Seat) -> None:
        """A worker died: its run goes on in another, unless it keeps killing them."""
        seat.process.join(5)
        self.seats.remove(seat)
        how = seat.ending
        if seat.scoring is not None:
            self._score_again(seat.scoring, how)
        elif seat.claim is not None:
            self._give_back(seat.claim, seat.steps, how)
        elif not seat.ready:
            self.stillborn += 1
            if self.stillborn >= MAX_DEATHS:
                raise StudyError(f"a worker on {seat.device} could not start ({how})")

    def _give_back(self, claim: Claim, steps: int, how: str) -> None:
        if self._is_deadly(claim.run):
            message = f"the worker process died {MAX_DEATHS} times in this run, last {how}"
            self.store.fail(claim, "lost", message, steps=steps)
            checkpoint.discard(self.assignments.folder(claim))
            self._tell("failed", claim, "lost", message)
        else:
            self.store.interrupt(claim, steps)
            self._tell("said", f"a worker was {how}; its run goes on from its checkpoint")

    def _score_again(self, missing: MissingScore, how: str) -> None:
        if self._is_deadly(missing.run):
            self.unscored.add(missing.run)
            self._tell(
                "said", f"a worker was {how}; run {missing.run} is scored by the next srbench run"
            )
        else:
            self.to_score.append(missing)

    def _is_deadly(self, run: int) -> bool:
        """Count one more death of a worker in this run; whether they are too many."""
        self.deaths[run] = self.deaths.get(run, 0) + 1
        return self.deaths[run] >= MAX_DEATHS

    def _keep_alive(self) -> None:
        if time.monotonic() - self.beat < HEARTBEAT_S:
            return
        self.beat = time.monotonic()
        for seat in self.seats:
            if seat.claim is not None:
                self.store.heartbeat(seat.claim)

    def _tell(self, event: str, *what: Any) -> None:
        for watcher in self.watchers:
            getattr(watcher, event)(*what)
