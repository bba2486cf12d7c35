"""The conductor: claims runs, has workers train them, and writes what they say.

Here training meets the store. Of one `srbench run` only this process writes; its
workers die with it, and what they had under way goes on from its checkpoint next time.
"""

from __future__ import annotations

import multiprocessing.connection as connections
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from srbench.core.errors import DeviceError, UserError
from srbench.run.assignments import Assignments
from srbench.run.messages import (
    Broken,
    Done,
    Failed,
    Message,
    Progress,
    Ready,
    Refused,
    Resumed,
    Stopped,
    Trained,
)
from srbench.run.worker_processes import Seat, hire
from srbench.store import Lease, LeaseLost, MissingScore, Owner, Point, Reason, Store, this_process
from srbench.study.plan import Plan, PlannedVariant
from srbench.train import checkpoint

HEARTBEAT_S = 15.0
PATIENCE_S = 120.0  # for workers to save after a stop
MAX_DEATHS = 2  # of one run's worker, before the run is given up
ASK_S = 1.0  # between two looks at the queue while workers are busy and a device is free


class NoDevice(DeviceError):
    """No device of those asked for works any more."""

    exit_code = 1  # what was asked is right


@dataclass(frozen=True)
class Options:
    """How to conduct, none of which changes what comes out."""

    devices: tuple[str, ...]  # one for each worker: ("cpu", "cpu"), ("cuda:0",)
    threads: int = 1
    checkpoint_s: float = 30.0


class Watcher(Protocol):
    """Shows how the study goes: the terminal."""

    def started(self, lease: Lease, steps: int) -> None: ...
    def resumed(self, lease: Lease, step: int) -> None: ...
    def progressed(self, lease: Lease, message: Progress) -> None: ...
    def scoring(self, lease: Lease) -> None: ...
    def finished(self, lease: Lease, done: Done, folder: Path) -> None: ...
    def failed(self, lease: Lease, reason: str, message: str) -> None: ...
    def pruned(self, lease: Lease, at: int, why: str) -> None: ...
    def stopped(self, lease: Lease, step: int) -> None: ...
    def said(self, text: str) -> None: ...


class Supplier(Protocol):
    """Who finds new runs while others are trained, and gives up hopeless ones: a search."""

    def supply(self, wanted: int, busy: int, stopping: Callable[[], bool]) -> None: ...
    def planned(self, lease: Lease) -> PlannedVariant: ...
    def gives_up(self, lease: Lease, curves: frozenset[str]) -> tuple[int, str] | None: ...
    def prune(self, lease: Lease, at: int, why: str, *, steps: int, seconds: float) -> None: ...
    def ended(self, lease: Lease) -> None: ...


class Conductor:
    """One `srbench run` under way."""

    def __init__(
        self,
        plan: Plan,
        number: int,
        store: Store,
        options: Options,
        watcher: Watcher,
        search: Supplier | None = None,
    ) -> None:
        self.plan, self.number, self.store, self.options = plan, number, store, options
        self.watcher, self.search = watcher, search
        self.owner: Owner = this_process("srbench run")
        self.assignments = Assignments(
            plan, store, threads=options.threads, checkpoint_s=options.checkpoint_s,
            found=search.planned if search else None,
        )  # fmt: skip
        self.seats: list[Seat] = []
        self.to_score: list[MissingScore] = []
        self.unscored: set[int] = set()  # runs whose scoring failed
        self.wanting: set[str] = set()  # why scores are not there: each is said once
        self.devices = list(options.devices)  # that work, one for each worker
        self.deaths: dict[int, int] = {}
        self.stillborn: dict[str, int] = {}  # workers of a device that died before they were ready
        self.asked = float("-inf")  # when the queue was last looked at
        self.beat = time.monotonic()
        self.deadline = float("inf")  # for workers to stop

    def conduct(self, stopping: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
        """Train and score everything that is left, until it is done or `stopping` is true.

        `meanwhile` is called again and again while workers train.
        """
        self.to_score = [] if stopping() else self.store.measurements.missing_scores(self.number)
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
                    self.watcher.said(
                        "a worker does not answer; its run goes on from its last "
                        "checkpoint next time",
                    )
                    break
                self._listen()
                self._keep_alive()
                meanwhile()
        finally:
            self._dismiss()

    def _ask_to_stop(self) -> None:
        if self.deadline < float("inf"):
            return
        self.deadline = time.monotonic() + PATIENCE_S
        training = [seat for seat in self.seats if seat.lease is not None and seat.ready]
        for seat in training:
            seat.tell("stop")
        for seat in [s for s in self.seats if s not in training]:  # may take a while
            self._release(seat)
            self._let_go(seat)

    def _hand_out(self, stopping: Callable[[], bool]) -> None:
        """Give every idle worker a task; start workers while there is more to do."""
        idle = [seat for seat in self.seats if seat.idle]
        free = len(self.seats) < len(self.devices)
        due = not self.seats or time.monotonic() - self.asked > ASK_S
        if not idle and not (free and due):
            return
        self.asked = time.monotonic()
        busy = sum(seat.busy for seat in self.seats)
        if self.search is not None and busy < len(self.devices):
            self.search.supply(len(self.devices) - busy, busy, stopping)
        claimable = self.store.queue.claimable(self.number, most=len(self.devices))
        waiting = claimable + len(self.to_score)
        while len(self.seats) < len(self.devices) and waiting > self._unready():
            self.seats.append(hire(self._free_device(), self.options.threads))
        for seat in idle:
            self._hand_to(seat)

    def _hand_to(self, seat: Seat) -> None:
        if self.to_score:
            seat.scoring = self.to_score.pop()
            seat.hand(self.assignments.scoring_task(seat.scoring))
        elif (lease := self.store.queue.claim(self.number, self.owner)) is not None:
            seat.lease, seat.steps = lease, lease.steps_done
            planned = self.assignments.planned(lease)
            self.watcher.started(lease, planned.steps)
            seat.hand(self.assignments.task(lease, planned))
        elif not any(other.doubt for other in self.seats):  # whose run may soon want a worker
            self._let_go(seat)

    def _free_device(self) -> str:
        free = list(self.devices)
        for seat in self.seats:
            if seat.device in free:  # else it is broken, and its worker is about to say so
                free.remove(seat.device)
        return free[0]

    def _unready(self) -> int:
        return sum(not seat.ready and not seat.busy for seat in self.seats)

    def _let_go(self, seat: Seat) -> None:
        self.seats.remove(seat)
        seat.leave()

    def _dismiss(self) -> None:
        for seat in list(self.seats):
            if seat.lease is not None:  # only after an error of ours, or an impatient stop
                seat.process.kill()
                with suppress(UserError):  # a full disk frees the run with this process
                    self._release(seat)
            self._let_go(seat)

    def _release(self, seat: Seat) -> None:
        """Leave what a worker has under way to whoever claims it next."""
        if seat.lease is not None:
            with suppress(LeaseLost):
                self.store.queue.interrupt(seat.lease, seat.steps)
        if seat.scoring is not None:
            self.to_score.append(seat.scoring)
        seat.lease = seat.scoring = seat.trained = None

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
            except LeaseLost:
                self.watcher.said("a run was taken over by another srbench; leaving it to them")
                seat.lease = None
                seat.process.kill()
                if seat in self.seats:
                    self._let_go(seat)

    def _take(self, seat: Seat, message: Message) -> None:
        """Write down what a worker says."""
        if isinstance(message, Ready):
            self._welcome(seat)
            return
        if isinstance(message, Broken):
            self._doubt(seat, message)
            return
        if isinstance(message, Refused):
            raise DeviceError(f"{message.message}. Nothing is lost: runs under way are kept")
        if seat.scoring is not None:
            self._take_scores(seat, seat.scoring, message)
            return
        lease = seat.lease
        assert lease is not None
        if isinstance(message, Resumed):
            self.store.measurements.forget_points(lease, message.step)
            seat.steps = message.step
            self.watcher.resumed(lease, message.step)
        elif isinstance(message, Progress):
            points = [Point(*point) for point in message.points]
            self.store.measurements.write_points(lease, points, steps=message.step)
            seat.steps = message.step
            self.watcher.progressed(lease, message)
            self._perhaps_give_up(seat, lease, message)
        elif isinstance(message, Trained):
            seat.trained = message.done
            self.watcher.scoring(lease)
        elif isinstance(message, Done):
            self._finish(seat, lease, message)
        elif isinstance(message, Failed):
            self._fail(seat, lease, message)
        elif isinstance(message, Stopped) and seat.given_up and self.search is not None:
            at, why = seat.given_up
            self.search.prune(lease, at, why, steps=message.steps, seconds=message.train_s)
            self._leave(seat, lease)
            self.watcher.pruned(lease, at, why)
        elif isinstance(message, Stopped):
            self.store.queue.interrupt(lease, message.steps)
            seat.lease = seat.trained = None
            self.watcher.stopped(lease, message.steps)

    def _perhaps_give_up(self, seat: Seat, lease: Lease, message: Progress) -> None:
        if self.search is None or lease.judged or seat.given_up is not None:
            return
        names = frozenset(name for name, *_ in message.points)
        seat.given_up = self.search.gives_up(lease, names)
        if seat.given_up is not None:
            seat.tell("stop")

    def _finish(self, seat: Seat, lease: Lease, done: Done) -> None:
        """Keep what a run has come to; scores that could not be taken are asked for again."""
        self.store.measurements.finish(lease, self.assignments.outcome(lease, done, seat.device))
        self._leave(seat, lease, for_good=True)
        self.watcher.finished(lease, done, self.assignments.folder(lease))
        self._tell_wanting(done)
        if done.unscored:
            self.unscored.add(lease.run)
            first = done.unscored.splitlines()[0]
            self.watcher.said(f"{self._named(lease)} is trained and kept, but not scored: {first}")

    def _named(self, lease: Lease) -> str:
        return f"{lease.variants[0]}, seed {lease.seed}"

    def _leave(self, seat: Seat, lease: Lease, *, for_good: bool = False) -> None:
        """A run has come to its end; `for_good` where nothing will go on from its checkpoints."""
        if for_good:
            checkpoint.discard(self.assignments.folder(lease))
        seat.lease = seat.given_up = seat.trained = None
        if self.search is not None and not lease.judged:
            self.search.ended(lease)

    def _take_scores(self, seat: Seat, missing: MissingScore, message: Message) -> None:
        if isinstance(message, Done):
            scores, pictures = self.assignments.rows(missing, message)
            self.store.measurements.write_scores(missing.run, scores, pictures)
            seat.scoring = None
            self._tell_wanting(message)
        elif isinstance(message, Failed):
            first = message.message.splitlines()[0]
            self.watcher.said(f"run {missing.run} could not be scored: {first}")
            self.unscored.add(missing.run)
            seat.scoring = None

    def _tell_wanting(self, done: Done) -> None:
        for why in done.wanting:
            if why not in self.wanting:
                self.wanting.add(why)
                self.watcher.said(f"{why}; the next srbench run asks again")

    def _bury(self, seat: Seat) -> None:
        """A worker died: its run goes on in another, unless it keeps killing them."""
        seat.process.join(5)
        self.seats.remove(seat)
        if not seat.ready:
            self._count_stillborn(seat)
        elif seat.scoring is not None:
            self._score_again(seat.scoring, f"a worker was {seat.ending}")
        elif seat.lease is not None:
            self._give_back(seat, seat.lease)

    def _count_stillborn(self, seat: Seat) -> None:
        """A worker died before it was ready; where that happens again its device is left out."""
        self.stillborn[seat.device] = self.stillborn.get(seat.device, 0) + 1
        if self.stillborn[seat.device] >= MAX_DEATHS:
            self._drop(seat, f"a worker on {seat.device} could not start ({seat.ending})")
        elif seat.busy:
            self._hire_again(seat, seat.doubt)

    def _welcome(self, seat: Seat) -> None:
        """A worker is ready. So a failure before it was the run's, not the device's."""
        seat.ready, doubt, seat.doubt = True, seat.doubt, ""
        self.stillborn.pop(seat.device, None)
        if not seat.busy:
            return
        if seat.scoring is not None:
            missing, seat.scoring = seat.scoring, None
            self._score_again(missing, doubt)
        elif seat.lease is not None and self._is_deadly(seat.lease.run):
            self._give_up(seat, seat.lease, "error", doubt)
        elif seat.task is not None:
            seat.hand(seat.task)

    def _doubt(self, seat: Seat, broken: Broken) -> None:
        """Something has failed on a device: a new worker finds out whether it still works.

        The run under way waits there meanwhile, and only then is it charged with the failure.
        """
        self.seats.remove(seat)
        seat.leave()
        said = f"{seat.device} cannot be used: {broken.message}"
        if not seat.ready:
            self._drop(seat, said)
            return
        if self.deadline < float("inf"):  # asked to stop
            self._release(seat)
            return
        self.watcher.said(f"{seat.device} failed ({broken.message}); checking if it still works")
        self._hire_again(seat, broken.message)

    def _hire_again(self, former: Seat, doubt: str) -> None:
        """A new worker in the place of one that has ended, with what that one was doing."""
        new = hire(former.device, self.options.threads)
        self.seats.append(
            replace(former, process=new.process, pipe=new.pipe, ready=False, doubt=doubt)
        )

    def _drop(self, seat: Seat, why: str) -> None:
        """Go on without a device that does not work; its run goes to another.

        Raises:
            NoDevice: it was the last one.
        """
        self._release(seat)
        known = seat.device in self.devices  # else another worker of it was first
        self.devices = [device for device in self.devices if device != seat.device]
        if not self.devices:
            raise NoDevice(f"{why}. Nothing is lost: the runs left wait for the next srbench run")
        if known:
            self.watcher.said(f"{why}; going on without it")

    def _give_back(self, seat: Seat, lease: Lease) -> None:
        if self._is_deadly(lease.run):
            message = f"the worker process died {MAX_DEATHS} times in this run, last {seat.ending}"
            self._give_up(seat, lease, "lost", message)
        else:
            self.store.queue.interrupt(lease, seat.steps)
            self.watcher.said(f"a worker was {seat.ending}; its run goes on from its checkpoint")

    def _give_up(self, seat: Seat, lease: Lease, reason: Reason, message: str) -> None:
        """End a run that keeps failing; what it has trained is kept where only scoring fails."""
        if seat.trained is not None:
            self._finish(seat, lease, replace(seat.trained, unscored=message))
            return
        self._fail(seat, lease, Failed(lease.run, reason, message, seat.steps))

    def _fail(self, seat: Seat, lease: Lease, failed: Failed) -> None:
        self.store.queue.fail(
            lease, failed.reason, failed.message, steps=failed.steps,  # type: ignore[arg-type]
            provenance=self.assignments.provenance(seat.device),
        )  # fmt: skip
        self._leave(seat, lease, for_good=True)
        self.watcher.failed(lease, failed.reason, failed.message)

    def _score_again(self, missing: MissingScore, how: str) -> None:
        if self._is_deadly(missing.run):
            self.unscored.add(missing.run)
            self.watcher.said(f"{how}; run {missing.run} is scored by the next srbench run")
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
            if seat.lease is not None:
                self.store.queue.heartbeat(seat.lease)
