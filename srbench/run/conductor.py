"""The conductor: claims runs, has workers train them, and watches over workers and devices.

Here training meets the store. Of one `srbench run` only this process writes. Its workers end with
it, and the next command continues their runs from their checkpoints.
"""

from __future__ import annotations

import multiprocessing.connection as connections
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from srbench.core.devices import Machine
from srbench.core.errors import DeviceError, ServerGone, UserError
from srbench.run.assignments import Assignments
from srbench.run.messages import Broken, Message, Ready, Refused
from srbench.run.outcomes import Outcomes
from srbench.run.progress import Terminal
from srbench.run.request import RunProgress, ignore
from srbench.run.search import Searcher
from srbench.run.seats import Seats, Worker
from srbench.store import LeaseLost, Store, this_process
from srbench.study.plan import Plan

HEARTBEAT_S = 15.0
PATIENCE_S = 120.0  # for workers to save after a stop
SILENCE_S = 15.0  # before a line says that no worker is ready yet
MAX_RESTARTS = 10  # of the database's server, each within a transaction of ours
ASK_S = 1.0  # between two looks at the queue while workers are busy and a device is free


class NoDevice(DeviceError):
    """None of the requested devices works any more."""

    exit_code = 1  # the command itself is right


@dataclass(frozen=True)
class Options:
    """How to conduct; none of it changes a result."""

    seats: Seats
    checkpoint_s: float = 30.0
    on_progress: Callable[[RunProgress], None] = ignore


class Conductor:
    """One `srbench run` under way."""

    def __init__(
        self,
        plan: Plan,
        number: int,
        store: Store,
        options: Options,
        display: Terminal,
        clock: Callable[[], float],
        search: Searcher | None = None,
    ) -> None:
        self.number, self.store, self.options = number, store, options
        self.display, self.search = display, search
        self.owner = this_process("srbench run")
        found = search.planned if search else None
        self.assignments = Assignments(plan, store, options.checkpoint_s, found)
        self.outcomes = Outcomes(store, self.assignments, display, search)
        self.workers: list[Worker] = []
        self.unread: list[tuple[Worker, Message | None]] = []  # that came, and is not stored yet
        self.restarts = 0  # of the database's server, within a transaction
        self.seats = options.seats
        self.pinned: Machine | None = None  # that all of this command's runs are to be like
        self.failed_starts: dict[str, int] = {}  # device -> workers that died before Ready
        self.asked = float("-inf")  # when the queue was last looked at
        self.beat = store.clock()
        self.clock = clock
        self.deadline = float("inf")  # for workers to stop
        self.patience = clock() + SILENCE_S

    def conduct(self, stopping: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
        """Train and score everything that is left, until it is done or `stopping` is true.

        `meanwhile` is called again and again while workers train.

        Raises:
            DeviceError: no device works, or none has the code and the images that were planned.
        """
        if not stopping():
            self.outcomes.to_score = self.store.measurements.missing_scores(self.number)
        try:
            while True:
                try:
                    if not self._step(stopping):
                        break
                    meanwhile()
                except ServerGone:  # within a transaction; the next one waits for the server
                    self.restarts += 1
                    if self.restarts > MAX_RESTARTS:
                        raise
        finally:
            self._dismiss()

    def _step(self, stopping: Callable[[], bool]) -> bool:
        """Hand out and take in once; False where nothing is under way any more."""
        stop = stopping()
        if stop:
            self._ask_to_stop()
        else:
            self._hand_out(stopping)
        if all(worker.idle for worker in self.workers):
            return False
        if stop and self.clock() > self.deadline:
            self.display.note(
                "a worker does not answer; the next srbench run continues from its last checkpoint"
            )
            return False
        self._listen()
        self._keep_alive()
        self._say_that_it_waits()
        return True

    def _say_that_it_waits(self) -> None:
        """Once, where no worker is ready for long: others may use the cluster's nodes."""
        if self.pinned is None and self.clock() > self.patience:
            self.display.note(f"waiting for the first of {self.seats}")
            self.patience = float("inf")

    def _ask_to_stop(self) -> None:
        if self.deadline < float("inf"):
            return
        self.deadline = self.clock() + PATIENCE_S
        training = [worker for worker in self.workers if worker.lease is not None and worker.ready]
        for worker in training:
            worker.seat.send("stop")
        for worker in [w for w in self.workers if w not in training]:  # may take a while
            self.outcomes.release(worker)
            self._let_go(worker)

    def _hand_out(self, stopping: Callable[[], bool]) -> None:
        """Give every idle worker a task; start workers while there is more to do."""
        idle = [worker for worker in self.workers if worker.idle]
        capacity = self.seats.capacity()
        free = len(self.workers) < capacity
        starting = [w for w in self.workers if not w.ready and not w.busy]
        due = not self.workers or self.clock() - self.asked > ASK_S
        if not idle and not ((free or starting) and due):
            return
        self.asked = self.clock()
        busy = sum(worker.busy for worker in self.workers)
        if self.search is not None and busy < capacity:
            self.search.supply(capacity - busy, busy, stopping)
        waiting = self.store.queue.claimable(self.number, most=capacity)
        waiting += len(self.outcomes.to_score)
        for worker in starting[waiting:]:
            self._let_go(worker)
        for _ in range(min(capacity - len(self.workers), waiting - len(starting))):
            self.workers.append(Worker(self.seats.hire([w.device for w in self.workers])))
        for worker in idle:
            self._hand_to(worker)

    def _hand_to(self, worker: Worker) -> None:
        if self.outcomes.to_score:
            worker.scoring = self.outcomes.to_score.pop()
            worker.assign(self.assignments.scoring_task(worker.scoring))
        elif (lease := self.store.queue.claim(self.number, self.owner)) is not None:
            worker.lease, worker.steps = lease, lease.steps_done
            planned = self.assignments.planned(lease)
            self.display.started(lease, planned.steps)
            worker.assign(self.assignments.task(lease, planned))
        elif not any(other.suspicion for other in self.workers):  # whose run may need a worker
            self._let_go(worker)

    def _let_go(self, worker: Worker) -> None:
        self.workers.remove(worker)
        worker.end()

    def _dismiss(self) -> None:
        for worker in list(self.workers):
            if worker.lease is not None:  # only after an error of ours, or an impatient stop
                worker.seat.kill()
                with suppress(UserError):  # a full disk frees the run with this process
                    self.outcomes.release(worker)
            self._let_go(worker)

    def _listen(self) -> None:
        """Act on every message that has come; one that could not be stored is taken again."""
        if not self.unread:
            pipes = {worker.seat.pipe: worker for worker in self.workers}
            for pipe in connections.wait(list(pipes), timeout=0.25):
                worker = pipes[pipe]  # type: ignore[index]
                try:
                    self.unread.append((worker, worker.seat.pipe.recv()))
                except (EOFError, OSError):
                    self.unread.append((worker, None))
        while self.unread:
            worker, message = self.unread[0]
            try:
                self._take(worker, message)
            except LeaseLost:
                self.display.note("a run was taken over by another srbench, which trains it")
                worker.lease = None
                worker.seat.kill()
                if worker in self.workers:
                    self._let_go(worker)
            del self.unread[0]

    def _take(self, worker: Worker, message: Message | None) -> None:
        """Act on what a worker reports; None where it has died."""
        if message is None:
            self._take_death(worker)
        elif isinstance(message, Ready):
            self._take_ready(worker, message.machine)
        elif isinstance(message, Broken):
            self._check_device(worker, message)
        elif isinstance(message, Refused):
            self._take_refusal(worker, message)
        else:
            self.outcomes.take(worker, message)

    def _take_death(self, worker: Worker) -> None:
        if worker.ready or worker.seat.lost:
            self.outcomes.take_death(worker)
            self._let_go(worker)
            return
        device = worker.device
        self.failed_starts[device] = self.failed_starts.get(device, 0) + 1
        if self.failed_starts[device] >= self.seats.starts:
            self._drop(worker, f"a worker on {device} could not start ({worker.seat.ending})")
        elif worker.busy:
            self._restart(worker, worker.suspicion)
        else:
            self._let_go(worker)

    def _take_ready(self, worker: Worker, machine: Machine) -> None:
        """A worker is ready. So a failure before it was the run's, not the device's."""
        self.pinned = self.pinned or machine
        if differences := self.pinned.differences(machine):
            has = ", ".join(differences)
            self._drop(worker, f"{worker.device} is turned away: it has {has}", device=False)
            return
        worker.ready, why, worker.suspicion = True, worker.suspicion, ""
        worker.machine = machine
        self.failed_starts.pop(worker.device, None)
        if worker.busy and not self.outcomes.take_blame(worker, why) and worker.task is not None:
            worker.assign(worker.task)

    def _take_refusal(self, worker: Worker, refused: Refused) -> None:
        """A worker cannot do its task: another may, or it needs the images for it."""
        if refused.images and worker.task is not None and self.seats.lend_images(worker.seat):
            worker.assign(worker.task)
            return
        self._drop(worker, refused.message, device=False)

    def _check_device(self, worker: Worker, broken: Broken) -> None:
        """Something has failed on a device: a new worker finds out whether it still works.

        The run under way waits there meanwhile, and only then is it charged with the failure.
        """
        if not worker.ready:
            self._drop(worker, f"{worker.device} cannot be used: {broken.message}")
        elif self.deadline < float("inf"):  # asked to stop
            self.outcomes.release(worker)
            self._let_go(worker)
        else:
            self.display.note(
                f"{worker.device} failed ({broken.message}); checking if it still works"
            )
            self._restart(worker, broken.message)

    def _restart(self, former: Worker, suspicion: str) -> None:
        """A new worker in the place of one that has ended, with what that one was doing."""
        self.workers.remove(former)
        seat = self.seats.again(former.seat)
        self.workers.append(replace(former, seat=seat, ready=False, suspicion=suspicion))

    def _drop(self, worker: Worker, why: str, *, device: bool = True) -> None:
        """Continue without a seat, or a device, that does not work; its run goes to another.

        Raises:
            NoDevice: it was the last one.
        """
        self.workers.remove(worker)
        self.outcomes.release(worker)
        first = self.seats.give_up(worker.seat, device=device)
        if not self.seats.capacity():
            raise NoDevice(f"{why}. Nothing is lost: the runs left wait for the next srbench run")
        if first:
            self.display.note(f"{why}; {'continuing without it' if device else 'others continue'}")

    def _keep_alive(self) -> None:
        """Prolong the leases; at once after the machine has slept, for they run on meanwhile."""
        now = self.store.clock()
        if abs(now - self.beat) < HEARTBEAT_S:
            return
        self.beat = now
        for worker in self.workers:
            if worker.lease is not None:
                self.store.queue.heartbeat(worker.lease)
