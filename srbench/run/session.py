"""`srbench run` from study file to results: plan, store, workers, mirror, and how it ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from srbench.core.device_locks import SharedLock
from srbench.core.errors import UserError
from srbench.core.signals import stop_on_signal
from srbench.run import shortcut
from srbench.run.looks import take_looks
from srbench.run.mirror import Refresher
from srbench.run.stale import Stale, said, settled
from srbench.store import Store, open_store, this_process

if TYPE_CHECKING:  # torch comes with it, three seconds that a finished study does without
    from rich.console import Console

    from srbench.run.conductor import Options
    from srbench.run.estimate import Forecast
    from srbench.run.search import Searcher
    from srbench.study.plan import Plan
    from srbench.study.read import Study


@dataclass(frozen=True)
class Request:
    """What `srbench run` was asked for."""

    study: Path
    db: str | None = None
    device: str = "auto"
    workers: int | None = None
    seeds: int | None = None
    only: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    fresh: bool = False
    checkpoint_s: float = 30.0
    precision: str = "auto"
    memory_order: str = "auto"
    rerun_stale: bool = False

    def options(self) -> list[str]:
        """What decides the plan, beside the file."""
        numerics = [self.device, self.precision, self.memory_order]
        return [*numerics, str(self.seeds), *self.only, "--set", *self.set]


@dataclass(frozen=True)
class Ended:
    """How it ended: the plan's number, its states, and the signal that stopped it."""

    plan: int
    states: dict[str, int]
    elsewhere: int
    signal: int | None = None
    unscored: int = 0  # finished runs whose scoring failed

    @property
    def exit_code(self) -> int:
        if self.signal is not None:
            return 128 + self.signal
        return 1 if self.states.get("failed") or self.unscored else 0


def read_study(request: Request) -> Study:
    """The study that a request is about; StudyError names the place of a mistake."""
    from srbench.study.read import read

    return read(request.study, set_=request.set, seeds=request.seeds, only=request.only)


def plan_study(request: Request, study: Study, say: Callable[[str], None]) -> Plan:
    """Build every variant dry, for runs on the kind of device that was asked for."""
    from srbench.core.devices import (
        choose_devices,
        choose_memory_order,
        choose_precision,
        device_name,
    )
    from srbench.study import plan

    first = choose_devices(request.device, None)[0]
    name = "cpu" if first == "cpu" else device_name(first)
    precision = choose_precision(request.precision, first)
    order = choose_memory_order(request.memory_order)
    try:
        return plan.make_plan(study, plan.Numerics(name, 1, precision, order), on_variant=say)
    except UserError as error:
        raise study.located(error) from None


def forecast(request: Request, say: Callable[[str], None] = lambda text: None) -> Forecast:
    """What a request would run; the database is only read, and need not be there."""
    from srbench.core.devices import choose_devices, device_name
    from srbench.run.estimate import Forecast, estimate

    plan = plan_study(request, read_study(request), lambda name: None)
    devices = choose_devices(request.device, request.workers, say)
    device = device_name(devices[0])
    try:
        store: Store | None = open_store(request.db, create=False)
    except UserError:
        if request.db is not None:
            raise
        store = None
    spread: float | None = None
    found: tuple[Stale, ...] = ()
    if store is not None:
        spread = _spread(store, plan.study)
        plan, found = settled(plan, store)
    shown = estimate(plan, store, device)
    return Forecast(plan, len(devices), device, shown, spread, found)


def _spread(store: Store, study: Study) -> float | None:
    """How much differences to the baseline vary over seeds, in what is stored of the study."""
    from statistics import median

    from srbench.analysis.judgement import judgement

    if study.name not in set(store.reading.studies()["study"]):
        return None
    results = store.reading.results(study.name, points=2)
    if (results.facts.metric, results.facts.dataset) != (study.metric, study.dataset):
        return None
    found = [row.verdict.sd for row in judgement(results).contrasts if row.verdict.n >= 3]
    return median(found) if found else None


def run(request: Request, console: Console) -> tuple[Store, Ended]:
    """Do what is left of a study; everything, nothing, or the rest of an interrupted one.

    Raises:
        StudyError: a mistake in the study, the options or the database's address.
    """
    key = shortcut.key(request.study, request.options())
    anew = request.fresh or request.rerun_stale
    if not anew and (finished := _finished(request, key)) is not None:
        return finished
    plan = _planned(request, console)
    if shortcut.key(request.study, request.options()) != key:  # edited while it was read
        key = ""
    store = open_store(request.db)  # only now: a mistake in the study makes no database
    if not anew:
        plan, found = settled(plan, store)
        for line in said(found, f"srbench run {request.study}"):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    return store, _conduct(plan, request, store, key, console)


def _finished(request: Request, key: str) -> tuple[Store, Ended] | None:
    """The study's results where this very command has nothing left to do."""
    try:
        store = open_store(request.db, create=False)
    except UserError:
        return None  # not there yet, or not usable: opening it for the runs says which
    number = store.plans.find(key) if shortcut.holds(store.root, key) else None
    if number is None or not _complete(store, number):
        store.close()
        return None
    store.plans.make_latest(number)
    return store, Ended(number, store.queue.states(number), 0)


def _complete(store: Store, plan: int) -> bool:
    states = store.queue.states(plan)
    again = {"queued", "running", "interrupted", "failed"} & set(states)
    if (
        again
        or store.queue.pruned(plan)
        or store.measurements.missing_scores(plan)
        or store.trials.unconfirmed(plan)
    ):
        return False
    return not take_looks(store, plan)


def _planned(request: Request, console: Console) -> Plan:
    from rich.markup import escape

    with console.status("reading the study") if console.is_terminal else _nothing() as status:
        study = read_study(request)

        def say(name: str) -> None:
            if status is not None:
                status.update(f"building {escape(name)}")

        return plan_study(request, study, say)


def _conduct(plan: Plan, request: Request, store: Store, key: str, console: Console) -> Ended:
    from srbench.core.devices import choose_devices
    from srbench.run.conductor import Options
    from srbench.run.records import record

    def say(text: str) -> None:
        console.print(f"srbench: {text}", highlight=False, markup=False, soft_wrap=True)

    number = store.plans.add(record(plan, key))
    for figures in plan.study.published:
        store.published.write(plan.study.name, figures)
    if key:
        shortcut.remember(store.root, key, _paths(plan), _folders(plan))
    if request.fresh:
        store.queue.add_attempts(number)
    else:
        store.queue.retry_failed(number)
    devices = choose_devices(request.device, request.workers, say)
    options = Options(devices, checkpoint_s=request.checkpoint_s)
    share = SharedLock(
        devices, lambda device: console.print(f"waiting for a latency pass on {device}")
    )
    searcher = _searcher(plan, number, store, console, share)
    unscored: set[int] = set()
    while True:
        stopped, some = _work_off(plan, number, store, options, console, searcher, share)
        unscored |= some
        if stopped is not None:
            break
        if searcher is not None and _searches_on(searcher, store, number):
            continue
        added = take_looks(store, number)
        if not added:
            break
        said = ", ".join(f"{name} {seeds}" for name, seeds in added.items())
        console.print(f"not decided yet; seeds wanted: {said}", highlight=False, markup=False)
    elsewhere = store.queue.running_elsewhere(number, this_process())
    return Ended(number, store.queue.states(number), elsewhere, stopped, len(unscored))


def _searcher(
    plan: Plan, number: int, store: Store, console: Console, share: SharedLock
) -> Searcher | None:
    """The plan's search, where it has one."""
    if plan.study.search is None:
        return None
    from srbench.run.search import Searcher

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    return Searcher(plan, number, store, say, share)


def _searches_on(searcher: Searcher, store: Store, plan: int) -> bool:
    """Whether there is, or may soon be, more to do: trials, or the confirmation of the best."""
    if searcher.confirm() or searcher.goes_on() or store.queue.claimable(plan):
        return True
    if searcher.is_elsewhere():
        time.sleep(1)  # the best are known when the trials of other processes have ended
        return True
    return False


def _work_off(
    plan: Plan,
    number: int,
    store: Store,
    options: Options,
    console: Console,
    searcher: Searcher | None,
    share: SharedLock,
) -> tuple[int | None, set[int]]:
    """Train and score what is queued; the signal that stopped it, and runs that have no scores."""
    from srbench.run.conductor import Conductor
    from srbench.run.progress import Terminal

    left = store.queue.claimable(number)
    unscored = len(store.measurements.missing_scores(number))
    trials = searcher.left() if searcher and (left or searcher.goes_on()) else 0
    if not left and not unscored and not (searcher and searcher.goes_on()):
        return None, set()
    devices, runs = options.devices, sum(store.queue.states(number).values())
    works = {p.variant.name: p.steps * p.cost.macs_256 for p in plan.variants}
    total = _work_left(plan, store.queue.waiting(number))
    console.print(
        f"{plan.study.name}: {left} of {runs} runs to do"
        + (f", up to {trials} trials" if trials else "")
        + (f", {unscored} to score" if unscored else "")
        + f"; {len(devices)} worker{'s' if len(devices) > 1 else ''} on {plan.numerics}",
        highlight=False,
        markup=False,
    )
    total += trials * next(iter(works.values()), 0.0)
    with (
        share,
        Terminal(console, works, total, left + trials) as terminal,
        stop_on_signal() as stop,
    ):
        refresher = Refresher(store, plan.study.name, terminal.said)
        conductor = Conductor(plan, number, store, options, terminal, searcher)
        try:
            conductor.conduct(lambda: stop.number is not None, refresher.now_and_then)
        finally:
            refresher.refresh()
    return stop.number, conductor.outcomes.unscored


def _work_left(plan: Plan, waiting: list[tuple[int, str, int]]) -> float:
    """Multiply-accumulates of the steps that are still to be done."""
    trained = {p.fingerprint: p for p in plan.variants if p.trained}
    left = ((trained[f], steps) for _, f, steps in waiting if f in trained)
    return sum((p.steps - steps) * p.cost.macs_256 for p, steps in left)


def _paths(plan: Plan) -> Iterator[Path]:
    """What a plan was made from beside its study file: images, other studies, published figures."""
    for document in plan.study.document.all[1:]:
        yield Path(document.file)
    for figures in plan.study.published:
        yield from figures.files
    for file in plan.files:
        yield file.hr
        if file.lr is not None:
            yield file.lr


def _folders(plan: Plan) -> Iterator[Path]:
    """The folders that the study's datasets name."""
    for planned in plan.variants:
        data = planned.variant.tree.data
        for dataset in (data["train"], data["validate"], *data["eval"]):
            for choice in dataset.choices():
                named = [value for _, value in choice.settings if isinstance(value, str) and value]
                yield from (Path(os.path.expanduser(value)) for value in named)


@contextmanager
def _nothing() -> Iterator[None]:
    yield None
