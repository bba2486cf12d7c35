"""`srbench run` and `srbench plan`, from the study file to what was done or would be."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srbench.core.errors import DeviceError, NoDatabase, ReadOnly, StudyError, UserError
from srbench.core.part_files import MissingParts
from srbench.run import shortcut
from srbench.run.looks import take_looks
from srbench.run.request import Request as Request
from srbench.run.stale import image_lines, settled
from srbench.store import Store, check_folder, open_store, this_process

if TYPE_CHECKING:  # torch comes with it, three seconds that a finished study does without
    from rich.console import Console
    from rich.status import Status

    from srbench.run.estimate import Forecast, Spread
    from srbench.run.seats import Seats
    from srbench.study.plan import Plan
    from srbench.study.read import Study


LOOKED_AT = 3  # studies of the database, for the spread over seeds


@dataclass(frozen=True)
class Ended:
    """How it ended: the plan's number, its states, and the signal that stopped it."""

    plan: int
    states: dict[str, int]
    elsewhere: Mapping[str, int]  # other process -> runs of the plan that it trains
    signal: int | None = None
    unscored: int = 0  # finished runs whose scoring failed
    complete: str = ""  # the command's key, where nothing is left to do

    @property
    def exit_code(self) -> int:
        if self.signal is not None:
            return 128 + self.signal
        return 1 if self.states.get("failed") or self.unscored else 0


def read_study(request: Request) -> Study:
    """The study that a request is about; StudyError names the place of a mistake."""
    from srbench.study.read import read

    return read(
        request.study, set_=request.set, seeds=request.seeds, only=request.only, parts=request.parts
    )


def open_seats(request: Request, say: Callable[[str], None]) -> Seats:
    """The requested seats, of this machine or of a cluster."""
    if request.on is not None:
        from srbench.run.ray_seats import RaySeats

        return RaySeats(request.on, request.device, request.workers)
    from srbench.core.devices import choose_devices
    from srbench.run.worker_processes import LocalSeats

    return LocalSeats(choose_devices(request.device, request.workers, say))


def plan_study(
    request: Request, study: Study, say: Callable[[str], None], name: str | None = None
) -> Plan:
    """Build every variant dry, for runs on a device of this name, else on the one asked for."""
    from srbench.core.devices import choose_devices, choose_precision, device_name
    from srbench.study import plan

    if name is None:
        first = choose_devices(request.device, None)[0]
        name = "cpu" if first == "cpu" else device_name(first)
    precision = choose_precision(request.precision, name)
    try:
        numerics = plan.Numerics(name, 1, precision, request.memory_order)
        return plan.make_plan(study, numerics, on_variant=say)
    except UserError as error:
        raise study.located(error) from None


def forecast(request: Request, say: Callable[[str], None] = lambda text: None) -> Forecast:
    """What a request would run; the database is only read, and need not be there."""
    from srbench.run.estimate import Forecast, estimate
    from srbench.run.memory import needed, shortages

    study = read_study(request)
    with closing(open_seats(request, say)) as seats:
        machine = seats.machine()
        device, count = machine.device, seats.size()
        if request.on is not None:
            say(f"{seats} like the first one: {machine}")
        name = "cpu" if seats.kind == "cpu" else device
        plan = plan_study(request, study, lambda name: None, name)
    try:
        store: Store | None = open_store(request.db, create=False)
    except NoDatabase:
        store = None
    spread: Spread | None = None
    lines: tuple[str, ...] = ()
    if store is not None:
        _refuse_namesake(plan, request, store)
        spread = _spread(store, plan.study)
        lines = image_lines(plan, store)
        plan, changed = settled(plan, store, request.rerun())
        lines += changed
    need = needed(plan, store, device)
    short = tuple(shortages(need, count)) if request.on is None else ()
    return Forecast(plan, count, device, estimate(plan, store, device), spread, lines, need, short)


def _refuse_elsewhere(study: Study) -> None:
    """Refuse what only this machine can do.

    Raises:
        DeviceError: the search times its candidates, or a variant starts from a file.
    """
    if study.search is not None and study.search.timed:
        why = "the search times its candidates, for which it needs a device of this machine alone"
        raise DeviceError(f"{why}; run it without --on", place="--on")
    for variant in study.variants:
        for file in variant.tree.train.files():
            why = f"{variant.name} starts from {file}, which other machines may not have"
            raise DeviceError(f"{why}; run it without --on", place="--on")


def _refuse_namesake(plan: Plan, request: Request, store: Store) -> None:
    """Refuse a study that would take the place of another file's study of the same name.

    A file that was moved, edited, or copied with its images is the same study.
    """
    before = store.plans.before(plan.study.name)
    if before is None:
        return
    other, here = store.root / before.file, request.study
    if not other.is_file() or other.samefile(here):
        return
    known = {manifest for manifest, _ in before.images.values()}
    same_images = known == {images.manifest for _, images in plan.datasets}
    if not same_images or other.read_bytes() != here.read_bytes():
        raise StudyError(
            f"the database has a study of this name already, from {other.resolve()}; rename one "
            "of the files, or name another database with --db",
            place=str(request.study),
        )


def _spread(store: Store, study: Study) -> Spread | None:
    """How much a run varies over seeds, in stored runs of the same outcome.

    Those of the study itself count first, then those of others.
    """
    from srbench.analysis.judgement import spreads
    from srbench.run.estimate import Spread

    names = sorted(store.reading.studies()["study"], key=lambda name: name != study.name)
    for name in names[:LOOKED_AT]:
        results = store.reading.results(name, curves="none")
        if (results.facts.metric, results.facts.dataset) == (study.metric, study.dataset):
            size, of_baseline = spreads(results)
            if size and of_baseline:
                says = f"{size:.2g}, those of its baseline {of_baseline:.2g}"
                basis = f"runs of {name} have a standard deviation of {says}"
                return Spread(size, basis, of_baseline / size)
    return None


def run(request: Request, console: Console) -> tuple[Store, Ended]:
    """Train and score the runs of a study that are not done yet.

    Raises:
        StudyError: a mistake in the study, the options or the database's address.
    """
    key = shortcut.key(request.study, request.options())
    anew = request.fresh or request.rerun_stale
    if not anew and (finished := _finished(request, key)) is not None:
        return finished
    try:
        with _status(console, "importing torch, reading the study"):
            study = read_study(request)
    except MissingParts as problem:
        if anew or (finished := _finished_before(request)) is None:
            raise
        console.print(f"srbench: {problem}; the finished runs stand", markup=False, soft_wrap=True)
        return finished
    if request.on is not None:
        _refuse_elsewhere(study)
    with closing(open_seats(request, say(console))) as seats:
        plan = _planned(request, study, seats, console)
        if shortcut.key(request.study, request.options()) != key:  # edited while it was read
            key = ""
        # only now: a mistake in the study makes no database
        store = open_store(request.db, files=request.files)
        check_folder(store.root)
        _refuse_namesake(plan, request, store)
        lines = image_lines(plan, store)
        if not anew:
            plan, changed = settled(plan, store, request.rerun())
            lines += changed
        for line in lines:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return store, _conduct(plan, request, store, key, seats, console)


def _finished(request: Request, key: str) -> tuple[Store, Ended] | None:
    """The study's results where this very command has nothing left to do."""
    try:
        store = open_store(request.db, create=False, files=request.files)
    except UserError:
        return None  # not there yet, or not usable: opening it for the runs says which
    number = store.plans.find(key) if shortcut.holds(store.root, key) else None
    if number is None or not _complete(store, number):
        store.close()
        return None
    with suppress(ReadOnly):
        store.plans.make_latest(number)
    return store, Ended(number, store.queue.states(number), {}, complete=key)


def _finished_before(request: Request) -> tuple[Store, Ended] | None:
    """The results of the study's latest plan, of whatever options, if nothing of it is left."""
    store = open_store(request.db, create=False)
    before = store.plans.before(request.study.stem)
    if before is None or (store.root / before.file).resolve() != request.study.resolve():
        return None
    number = store.plans.latest(request.study.stem)
    return (
        (store, Ended(number, store.queue.states(number), {})) if _complete(store, number) else None
    )


def _complete(store: Store, plan: int) -> bool:
    """Whether nothing is left to train, to score, to confirm or to decide."""
    return not (
        store.queue.states(plan).keys() & {"queued", "running", "interrupted", "failed"}
        or store.queue.pruned(plan)
        or store.measurements.missing_scores(plan)
        or store.trials.unconfirmed(plan)
        or take_looks(store, plan)
    )


def say(console: Console) -> Callable[[str], None]:
    """A printer of lines about the command itself."""
    return lambda text: console.print(
        f"srbench: {text}", highlight=False, markup=False, soft_wrap=True
    )


def _planned(request: Request, study: Study, seats: Seats, console: Console) -> Plan:
    from rich.markup import escape

    name = "cpu"
    if seats.kind != "cpu":  # the device's name decides which runs they are
        with _status(console, f"waiting for a device of {seats}"):
            name = seats.machine().device
    with _status(console, "building the networks") as status:

        def building(name: str) -> None:
            if status is not None:
                status.update(f"building {escape(name)}")

        return plan_study(request, study, building, name)


def _status(console: Console, text: str) -> AbstractContextManager[Status | None]:
    return console.status(text) if console.is_terminal else nullcontext()


def _conduct(
    plan: Plan, request: Request, store: Store, key: str, seats: Seats, console: Console
) -> Ended:
    from srbench.run.conductor import Options
    from srbench.run.memory import needed, shortages
    from srbench.run.records import record
    from srbench.run.work import Work

    short = shortages(needed(plan), seats.size()) if request.on is None else ()
    for warning in (*plan.images.overlaps, *plan.warnings, *short):
        say(console)(warning)
    file = os.path.relpath(request.study.resolve(), store.root)
    try:
        number = store.plans.add(record(plan, key, file))
    except ReadOnly:
        known = store.plans.stored(plan.study.name, plan.digest)
        if known is None or request.fresh or not _complete(store, known):
            raise
        return Ended(known, store.queue.states(known), {})
    for figures in plan.study.published:
        store.published.write(plan.study.name, figures)
    if key:
        shortcut.remember(store.root, key, shortcut.files_of(plan), shortcut.folders_of(plan))
    if request.fresh:
        store.queue.add_attempts(number)
    else:
        store.queue.retry_failed(number)
    seats.lend(plan)
    between = seats.checkpoint_s if request.checkpoint_s is None else request.checkpoint_s
    options = Options(seats, checkpoint_s=between, on_progress=request.on_progress)
    ended = Work(plan, number, store, options, console).do()
    elsewhere = store.queue.elsewhere(number, this_process())
    states = store.queue.states(number)
    complete = key if ended.signal is None and _complete(store, number) else ""
    return Ended(number, states, elsewhere, ended.signal, len(ended.unscored), complete)
