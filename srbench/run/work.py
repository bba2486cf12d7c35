"""The work of one `srbench run`: rounds of training and scoring until nothing is left to do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from srbench.core.device_locks import SharedLock
from srbench.core.errors import DatabaseError, UserError
from srbench.core.numbers import duration
from srbench.core.signals import stop_on_signal
from srbench.data import shared
from srbench.run.awake import AwakeClock
from srbench.run.conductor import Conductor, Options
from srbench.run.estimate import Estimate, estimate
from srbench.run.looks import take_looks
from srbench.run.mirror import Refresher
from srbench.run.progress import RunWork, Terminal
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
        except DatabaseError:  # there may be nothing to read any more
            raise
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
        known = self._estimate() if left or trials else None
        works = self._works(known)
        total = self._left(works) + trials * next(iter(works.values())).training
        expected_s = self._expected_s(known, total)
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

    def _estimate(self) -> Estimate | None:
        """Seconds of each run; None for far seats, and where nothing is known."""
        seats = self.options.seats
        return estimate(self.plan, self.store, seats.machine().device) if seats.devices else None

    def _expected_s(self, known: Estimate | None, seconds: float) -> float | None:
        """Seconds until the runs left are done, announced; None where there is no estimate."""
        if known is None or seconds <= 0:
            return None
        expected_s = seconds / self.options.seats.size()
        self._print(f"This takes about {duration(expected_s)}, {known.basis}.")
        return expected_s

    def _works(self, known: Estimate | None) -> dict[str, RunWork]:
        """The work of a run of each variant, in seconds where they are known, else in MACs."""
        if known is not None:
            return {name: RunWork(s, known.score_s[name]) for name, s in known.train_s.items()}
        return {
            p.variant.name: RunWork(p.steps * p.cost.training_macs_256) for p in self.plan.variants
        }

    def _left(self, works: Mapping[str, RunWork]) -> float:
        """The work that is still to be done."""
        planned = {p.fingerprint: p for p in self.plan.variants}
        left = 0.0
        for _, fingerprint, steps in self.store.queue.waiting(self.number):
            if (p := planned.get(fingerprint)) is not None:
                work = works[p.variant.name]
                share = 1 - steps / p.steps if p.steps else 0.0
                left += work.training * share + work.scoring
        return left

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
