"""The work of one `srbench run`: rounds of training and scoring until nothing is left to do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from srbench.core.device_locks import SharedLock
from srbench.core.errors import UserError
from srbench.core.numbers import duration
from srbench.core.signals import stop_on_signal
from srbench.data import shared
from srbench.run.awake import AwakeClock
from srbench.run.conductor import Conductor, Options
from srbench.run.estimate import estimate
from srbench.run.looks import take_looks
from srbench.run.mirror import Refresher
from srbench.run.progress import Terminal
from srbench.run.search import Searcher
from srbench.store import Store
from srbench.study.plan import Plan


@dataclass(frozen=True)
class Stopped:
    """The signal that stopped the work, if one did, and the finished runs without scores."""

    signal: int | None
    unscored: frozenset[int]


class Work:
    """A stored plan with the devices, the search and the display that work on it."""

    def __init__(
        self, plan: Plan, number: int, store: Store, options: Options, console: Console
    ) -> None:
        self.plan, self.number, self.store = plan, number, store
        self.options, self.console = options, console
        self.lock = SharedLock(
            options.seats.devices,
            lambda device: console.print(f"waiting for a latency pass on {device}"),
        )
        self.searcher: Searcher | None = None
        if plan.study.search is not None:
            self.searcher = Searcher(plan, number, store, self._print, self.lock)
        self.refresher = Refresher(store, plan.study.name, self._print)

    def do(self) -> Stopped:
        """Train and score all runs, those of searches and of more seeds among them.

        Raises:
            DeviceError: no device works, or code or images have changed.
        """
        try:
            ended = self._rounds()
        except UserError:
            self.refresher.refresh()
            raise
        self.refresher.refresh()
        if not self.refresher.complete:
            self._print("Optuna's file lacks runs yet; srbench dashboard brings it up to date")
        return ended

    def _rounds(self) -> Stopped:
        unscored: frozenset[int] = frozenset()
        while True:
            ended = self._round()
            unscored |= ended.unscored
            if ended.signal is not None:
                break
            if self.searcher is not None and self._searches_on(self.searcher):
                continue
            added = take_looks(self.store, self.number)
            if not added:
                break
            seeds = ", ".join(f"{name} {count}" for name, count in added.items())
            self._print(f"not decided yet; seeds wanted: {seeds}")
        return Stopped(ended.signal, unscored)

    def _searches_on(self, searcher: Searcher) -> bool:
        """Whether there is, or may soon be, more to do: trials, or the confirmation of the best."""
        if searcher.confirm() or searcher.goes_on() or self.store.queue.claimable(self.number):
            return True
        if searcher.is_elsewhere():
            time.sleep(1)  # the best are known when the trials of other processes have ended
            return True
        return False

    def _round(self) -> Stopped:
        """Train and score what is queued now."""
        left = self.store.queue.claimable(self.number)
        unscored = len(self.store.measurements.missing_scores(self.number))
        searches = self.searcher is not None and self.searcher.goes_on()
        if not left and not unscored and not searches:
            return Stopped(None, frozenset())
        trials = self.searcher.left() if self.searcher and (left or searches) else 0
        self._announce(left, trials, unscored)
        works = {p.variant.name: p.steps * p.cost.macs_256 for p in self.plan.variants}
        total = self._macs_left() + trials * next(iter(works.values()), 0.0)
        expected_s = self._expected_s(works, total)
        with (
            shared.cleared(),
            self.lock,
            AwakeClock() as clock,
            Terminal(
                self.console,
                works,
                total,
                left + trials,
                clock,
                self.options.on_progress,
                expected_s,
            ) as terminal,
            stop_on_signal() as stop,
        ):
            conductor = Conductor(
                self.plan, self.number, self.store, self.options, terminal, clock, self.searcher
            )
            conductor.conduct(lambda: stop.number is not None, self.refresher.now_and_then)
        return Stopped(stop.number, frozenset(conductor.outcomes.unscored))

    def _announce(self, left: int, trials: int, unscored: int) -> None:
        runs = sum(self.store.queue.states(self.number).values())
        self._print(
            f"{self.plan.study.name}: {left} of {runs} runs to do"
            + (f", up to {trials} trials" if trials else "")
            + (f", {unscored} to score" if unscored else "")
            + f"; {self.options.seats} on {self.plan.numerics}"
        )

    def _expected_s(self, works: Mapping[str, float], total: float) -> float | None:
        """Seconds that the runs left take, announced; None where there is no estimate."""
        seats = self.options.seats
        if not seats.devices or total <= 0:  # far seats, or nothing to train
            return None
        known = estimate(self.plan, self.store, seats.machine().device)
        if known is None:
            return None
        expected_s = sum(known.run_s.values()) / sum(works.values()) * total / seats.size()
        self._print(f"This takes about {duration(expected_s)}, {known.basis}.")
        return expected_s

    def _macs_left(self) -> float:
        """Multiply-accumulates of the steps that are still to be done."""
        trained = {p.fingerprint: p for p in self.plan.variants if p.trained}
        return sum(
            (trained[fingerprint].steps - steps) * trained[fingerprint].cost.macs_256
            for _, fingerprint, steps in self.store.queue.waiting(self.number)
            if fingerprint in trained
        )

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
