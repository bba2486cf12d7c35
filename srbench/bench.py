"""The conductor: claims runs, has workers train them, and writes what they say.

The one room where training meets the store. Of one `srbench run` only this process writes; its
workers die with it, and what they had under way goes on from its checkpoint next time.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection as connections
import os
import platform
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, Protocol

from srbench import worker
from srbench.plan import Plan, PlannedVariant, references
from srbench.provenance import cpu_name, surroundings
from srbench.registry import StudyError
from srbench.results import StudyFacts
from srbench.store import (
    Claim,
    DatasetRecord,
    Fenced,
    ImageRecord,
    MissingScore,
    Outcome,
    Owner,
    PictureRow,
    PlanRecord,
    Point,
    Provenance,
    ScoreRow,
    Store,
    TrainingRecord,
    VariantRecord,
    this_process,
)
from srbench.study import describe, unit_of
from srbench.train.fit import FIT_VERSION
from srbench.worker import Done, Failed, Message, Progress, Ready, Resumed, Scoring, Stopped, Task

HEARTBEAT_S = 15.0
PATIENCE_S = 120.0  # for workers to save after a stop
MAX_DEATHS = 2  # of one run's worker, before the run is given up


@dataclass(frozen=True)
class Options:
    """How to conduct, none of which changes what comes out."""

    devices: tuple[str, ...]  # one for each worker: ("cpu", "cpu"), ("cuda:0",)
    threads: int = 1
    checkpoint_s: float = 30.0
    fresh: bool = False


class Watcher(Protocol):
    """Who is told how the study goes: the terminal, and Optuna's mirror."""

    def started(self, claim: Claim, steps: int) -> None: ...
    def resumed(self, claim: Claim, step: int) -> None: ...
    def progressed(self, claim: Claim, message: Progress) -> None: ...
    def scoring(self, claim: Claim) -> None: ...
    def finished(self, claim: Claim, done: Done, folder: Path) -> None: ...
    def failed(self, claim: Claim, reason: str, message: str) -> None: ...
    def stopped(self, claim: Claim, step: int) -> None: ...
    def said(self, text: str) -> None: ...


def record(plan: Plan, key: str) -> PlanRecord:
    """The plan as the store keeps it."""
    study, numerics = plan.study, str(plan.numerics)
    trainings = {p.fingerprint: _training(p, study.scale, numerics) for p in plan.variants}
    return PlanRecord(
        digest=plan.digest,
        key=key,
        facts=_facts(plan),
        trainings=tuple(trainings.values()),
        variants=tuple(
            VariantRecord(p.variant.name, p.variant.role, p.variant.change, p.fingerprint, p.seeds)
            for p in plan.variants
        ),
        datasets=tuple(
            DatasetRecord(
                images.manifest,
                images.name,
                role,  # type: ignore[arg-type]
                tuple(
                    ImageRecord(i.name, i.hr.shape[1], i.hr.shape[0], i.sha256)
                    for i in images.images
                ),
            )
            for role, images in plan.datasets
        ),
        metrics=study.metrics,
        protocol=study.protocol,
    )


def _facts(plan: Plan) -> dict[str, Any]:
    study = plan.study
    epochs = int(study.base.train["epochs"])
    facts = {
        **{f.name: getattr(study, f.name) for f in fields(StudyFacts) if hasattr(study, f.name)},
        "unit": unit_of(study.metric),
        "epochs": epochs,
        "steps": max(p.steps for p in plan.variants),
        "train": describe(study.base.train),
        "data": describe(study.base.data),
        "references": references(plan),
    }
    return {k: v for k, v in facts.items() if k not in ("plan", "planned_at")}


def _training(p: PlannedVariant, scale: int, numerics: str) -> TrainingRecord:
    tree, price = p.variant.tree, p.cost
    return TrainingRecord(
        fingerprint=p.fingerprint,
        model={tree.model.name: describe(tree.model)},
        train=describe(tree.train) if p.trained else {},
        data=describe(tree.data) if p.trained else {},
        scale=scale,
        manifest=p.manifest,
        numerics=numerics,
        salt="",
        source=p.source,
        fit_version=FIT_VERSION,
        steps=p.steps,
        **{
            **asdict(price),
            "dead_modules": list(price.dead_modules),
            "uncounted": list(price.uncounted),
        },
    )


@dataclass
class _Seat:
    """A worker process and what it is doing."""

    device: str
    process: SpawnProcess
    pipe: connections.Connection
    ready: bool = False
    claim: Claim | None = None
    scoring: MissingScore | None = None

    @property
    def idle(self) -> bool:
        return self.ready and self.claim is None and self.scoring is None


class Conductor:
    """One `srbench run` under way."""

    def __init__(
        self, plan: Plan, number: int, store: Store, options: Options, watchers: Sequence[Watcher]
    ) -> None:
        self.plan, self.number, self.store, self.options = plan, number, store, options
        self.watchers = watchers
        self.owner: Owner = this_process("srbench run")
        self.by_name = {p.variant.name: p for p in plan.variants}
        self.context: SpawnContext = multiprocessing.get_context("spawn")
        self.seats: list[_Seat] = []
        self.deaths: dict[int, int] = {}
        self.stillborn = 0  # workers that died before they were ready
        self.originals: dict[str, list[tuple[str, str, str]]] = {}
        self.provenance: dict[str, int] = {}
        self.beat = time.monotonic()

    def conduct(self, stopping: Callable[[], bool]) -> None:
        """Train and score everything that is left, until it is done or `stopping` says so."""
        to_score = [] if stopping() else self.store.missing_scores(self.number)
        try:
            while True:
                stop = stopping()
                if stop:
                    self._ask_to_stop()
                else:
                    self._hand_out(to_score)
                busy = [seat for seat in self.seats if not seat.idle]
                if not any(seat.claim or seat.scoring or not seat.ready for seat in busy):
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

    deadline = float("inf")

    def _ask_to_stop(self) -> None:
        if self.deadline < float("inf"):
            return
        self.deadline = time.monotonic() + PATIENCE_S
        for seat in list(self.seats):
            if seat.claim is None:
                self._remove(seat)
            else:
                seat.pipe.send("stop")

    def _hand_out(self, to_score: list[MissingScore]) -> None:
        """Give every idle worker a task; start workers while there is more to do."""
        waiting = self.store.claimable(self.number) + len(to_score)
        while len(self.seats) < len(self.options.devices) and waiting > self._unready():
            self.seats.append(self._hire(self.options.devices[len(self.seats)]))
        for seat in [s for s in self.seats if s.idle]:
            if to_score:
                seat.scoring = to_score.pop()
                seat.pipe.send(self._scoring_task(seat.scoring))
            elif (claim := self.store.claim(self.number, self.owner)) is not None:
                seat.claim = claim
                planned = self._planned(claim)
                self._tell("started", claim, planned.steps)
                seat.pipe.send(self._task(claim, planned))
            else:
                self._remove(seat)

    def _unready(self) -> int:
        return sum(not seat.ready for seat in self.seats)

    def _hire(self, device: str) -> _Seat:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(
            target=worker.main, args=(theirs, device, self.options.threads), daemon=True
        )
        with _environment(OMP_NUM_THREADS=str(self.options.threads)), _signals_held():
            process.start()
        theirs.close()
        return _Seat(device, process, ours)

    def _remove(self, seat: _Seat) -> None:
        self.seats.remove(seat)
        with suppress(OSError):
            seat.pipe.send(None)
        seat.pipe.close()
        seat.process.join(5)
        if seat.process.is_alive():
            seat.process.kill()
            seat.process.join()

    def _dismiss(self) -> None:
        for seat in list(self.seats):
            if seat.claim is not None:  # only after an error of ours, or an impatient stop
                seat.process.kill()
                with suppress(Fenced):
                    self.store.interrupt(seat.claim, seat.claim.steps_done)
            self._remove(seat)

    def _listen(self) -> None:
        pipes = {seat.pipe: seat for seat in self.seats}
        for pipe in connections.wait(list(pipes), timeout=0.25):
            seat = pipes[pipe]  # type: ignore[index]
            try:
                message: Message = seat.pipe.recv()
            except (EOFError, ConnectionResetError, OSError):
                self._bury(seat)
                continue
            try:
                self._take(seat, message)
            except Fenced:
                self._tell("said", "a run was taken over by another srbench; leaving it to them")
                seat.process.kill()
                self.seats.remove(seat)

    def _take(self, seat: _Seat, message: Message) -> None:
        """Write down what a worker says."""
        if isinstance(message, Ready):
            seat.ready = True
            return
        if seat.scoring is not None:
            self._take_scores(seat, seat.scoring, message)
            return
        claim = seat.claim
        assert claim is not None
        if isinstance(message, Resumed):
            self.store.forget_points(claim, message.step)
            self._tell("resumed", claim, message.step)
        elif isinstance(message, Progress):
            points = [Point(*point) for point in message.points]
            self.store.write_points(claim, points, steps=message.step)
            self._tell("progressed", claim, message)
        elif isinstance(message, Scoring):
            self._tell("scoring", claim)
        elif isinstance(message, Done):
            self.store.finish(claim, self._outcome(claim, message, seat.device))
            seat.claim = None
            self._tell("finished", claim, message, self._folder(claim))
        elif isinstance(message, Failed):
            self.store.fail(
                claim, message.reason, message.message, steps=message.steps,  # type: ignore[arg-type]
                provenance=self._provenance(seat.device),
            )  # fmt: skip
            seat.claim = None
            self._tell("failed", claim, message.reason, message.message)
        elif isinstance(message, Stopped):
            self.store.interrupt(claim, message.steps)
            seat.claim = None
            self._tell("stopped", claim, message.steps)

    def _take_scores(self, seat: _Seat, missing: MissingScore, message: Message) -> None:
        if isinstance(message, Done):
            scores, pictures = self._rows(missing, message)
            self.store.write_scores(missing.run, scores, pictures)
            seat.scoring = None
        elif isinstance(message, Failed):
            self._tell("said", f"run {missing.run} could not be scored: {message.message}")
            seat.scoring = None

    def _bury(self, seat: _Seat) -> None:
        """A worker died: its run goes on in another, unless it keeps killing them."""
        seat.process.join(5)
        self.seats.remove(seat)
        code = seat.process.exitcode
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        if seat.claim is None:
            if not seat.ready:
                self.stillborn += 1
                if self.stillborn >= MAX_DEATHS:
                    raise StudyError(f"a worker on {seat.device} could not start ({how})")
            if seat.scoring is not None:
                self._tell(
                    "said",
                    f"a worker was {how}; run {seat.scoring.run} is scored by the next srbench run",
                )
            return
        claim = seat.claim
        self.deaths[claim.run] = self.deaths.get(claim.run, 0) + 1
        if self.deaths[claim.run] >= MAX_DEATHS:
            message = f"the worker process died {MAX_DEATHS} times in this run, last {how}"
            self.store.fail(claim, "lost", message, steps=claim.steps_done)
            self._tell("failed", claim, "lost", message)
        else:
            self.store.interrupt(claim, claim.steps_done)
            self._tell("said", f"a worker was {how}; its run goes on from its checkpoint")

    def _keep_alive(self) -> None:
        if time.monotonic() - self.beat < HEARTBEAT_S:
            return
        self.beat = time.monotonic()
        for seat in self.seats:
            if seat.claim is not None:
                self.store.heartbeat(seat.claim)

    def _planned(self, claim: Claim) -> PlannedVariant:
        return self.by_name[claim.variants[0]]

    def _folder(self, run: Claim | MissingScore) -> Path:
        name = str(run.seed) if run.attempt == 1 else f"{run.seed}-{run.attempt}"
        return self.store.root / "runs" / run.fingerprint / name

    def _task(self, claim: Claim, planned: PlannedVariant) -> Task:
        tree, study = planned.variant.tree, self.plan.study
        return Task(
            run=claim.run,
            model=tree.model.to_json(),
            train=tree.train.to_json(),
            data=tree.data.to_json(),
            scale=study.scale,
            seed=claim.seed,
            salt="",
            folder=str(self._folder(claim)),
            protocol=study.protocol,
            metrics=study.metrics,
            evaluate=tuple(choice.to_json() for choice in study.base.data["eval"]),
            checkpoint_s=self.options.checkpoint_s,
        )

    def _scoring_task(self, missing: MissingScore) -> Task:
        planned = self.by_name[missing.variants[0]]
        claim = Claim(
            missing.run, missing.fingerprint, missing.seed, missing.attempt, 0, missing.variants, 0
        )
        sets = dict(self._evaluation_sets())
        weights = str(self.store.root / missing.weights) if missing.weights else None
        task = self._task(claim, planned)
        return Task(**{
            **{f.name: getattr(task, f.name) for f in fields(task)},
            "evaluate": (sets[missing.dataset],),
            "metrics": tuple(missing.metrics),
            "weights": weights,
        })  # fmt: skip

    def _evaluation_sets(self) -> Iterator[tuple[str, Any]]:
        """(manifest, choice as JSON) of every evaluation set."""
        manifests = [images.manifest for role, images in self.plan.datasets if role == "eval"]
        for manifest, choice in zip(manifests, self.plan.study.base.data["eval"], strict=True):
            yield manifest, choice.to_json()

    def _outcome(self, claim: Claim, done: Done, device: str) -> Outcome:
        scores, pictures = self._rows(claim, done)
        folder = self._folder(claim).relative_to(self.store.root)
        return Outcome(
            steps=done.steps,
            train_seconds=done.train_s,
            score_seconds=done.score_s,
            peak_memory_mb=done.memory_mb,
            weights=str(folder / done.weights) if done.weights else None,
            weights_sha256=done.weights_sha256,
            device=device_name(device),
            provenance=self._provenance(device),
            scores=tuple(scores),
            pictures=tuple(pictures),
        )

    def _rows(
        self, run: Claim | MissingScore, done: Done
    ) -> tuple[list[ScoreRow], list[PictureRow]]:
        protocol = self.plan.study.protocol
        scores = [
            ScoreRow(manifest, protocol, image, metric, value)
            for manifest, image, metric, value in done.scores
        ]
        folder = self._folder(run).relative_to(self.store.root)
        pictures = [
            PictureRow(manifest, image, kind, str(folder / file))
            for manifest, image, kind, file in done.pictures
        ]
        for manifest in dict.fromkeys(picture.dataset for picture in pictures):
            pictures += [
                PictureRow(manifest, image, kind, f"runs/images/{file}")
                for image, kind, file in self._originals(manifest)
            ]
        return scores, pictures

    def _originals(self, manifest: str) -> list[tuple[str, str, str]]:
        if manifest not in self.originals:
            images = next(d for r, d in self.plan.datasets if (r, d.manifest) == ("eval", manifest))
            self.originals[manifest] = worker.save_originals(
                self.store.root / "runs" / "images", images, self.plan.study.scale
            )
        return self.originals[manifest]

    def _provenance(self, device: str) -> int:
        if device not in self.provenance:
            self.provenance[device] = self.store.add_provenance(
                Provenance(
                    **asdict(surroundings()),
                    device=device_name(device),
                    driver=driver(device),
                    threads=self.options.threads,
                )
            )
        return self.provenance[device]

    def _tell(self, event: str, *what: Any) -> None:
        for watcher in self.watchers:
            getattr(watcher, event)(*what)


def choose_devices(asked: str, workers: int | None) -> tuple[str, ...]:
    """The device of each worker: every CUDA device once, or the CPU once a core.

    Raises:
        StudyError: the device is not there.
    """
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        asked = "cuda" if count else "cpu"
    if asked == "cpu":
        return ("cpu",) * (workers or len(os.sched_getaffinity(0)))
    known = [f"cuda:{i}" for i in range(count)]
    chosen = known if asked == "cuda" else [asked]
    if not chosen or not set(chosen) <= set(known):
        found = ", ".join(["cpu", *known])
        raise StudyError(f"{asked!r} is not there (found: auto, {found})", place="--device")
    return tuple(chosen[i % len(chosen)] for i in range(workers or len(chosen)))


def device_name(device: str) -> str:
    """The hardware behind a device: "NVIDIA H100", or the processor's name."""
    if device == "cpu":
        return cpu_name()
    import torch

    return torch.cuda.get_device_name(device)


def driver(device: str) -> str | None:
    """The NVIDIA driver's version, where there is one."""
    if device == "cpu":
        return None
    try:
        words = Path("/proc/driver/nvidia/version").read_text().split()
    except OSError:
        return platform.system()
    return next((word for word in words if word[0].isdigit() and "." in word), None)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables for a process that is started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _signals_held() -> Iterator[None]:
    """A process started inside never sees Ctrl-C, not even while it imports; ours sees it after."""
    resource_tracker.ensure_running()  # its own start would let the signals through
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
