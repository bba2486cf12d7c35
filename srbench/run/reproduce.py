"""`srbench reproduce`: finished runs are trained once more and compared with what is stored.

Nothing in the database changes. A run whose settings, images or parts have changed since is not
trained, for its numbers could not be compared.
"""

from __future__ import annotations

import multiprocessing.connection as connections
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from srbench.core import slots
from srbench.core.device_locks import SharedLock
from srbench.core.devices import choose_devices, device_name
from srbench.core.errors import DatabaseError, DeviceError, UserError
from srbench.run.assignments import task_of
from srbench.run.messages import Broken, Done, Failed, Message, Progress, Refused, Task
from srbench.run.records import stored_tree
from srbench.run.worker_processes import LocalSeat
from srbench.store import FinishedRun, Store
from srbench.study.decoding import Decoded
from srbench.study.plan import Numerics, plan_variant
from srbench.study.tree import Variant

Outcome = Literal["identical", "different", "changed", "failed"]


@dataclass(frozen=True)
class Again:
    """One run retrained: the outcome, and in words what differs."""

    run: FinishedRun
    outcome: Outcome
    detail: str

    def as_plain(self) -> dict[str, Any]:
        run = self.run
        return {
            "run": run.run, "study": run.study, "variant": run.variant, "seed": run.seed,
            "outcome": self.outcome, "detail": self.detail,
        }  # fmt: skip


def reproduce(
    store: Store,
    number: int,
    *,
    chosen_by: int,
    device: str = "auto",
    workers: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[Again]:
    """Train `number` finished runs again, drawn at random by the seed `chosen_by`.

    Raises:
        DeviceError: no run is finished, or the device is not there.
    """
    runs = store.runs.finished()
    if not runs:
        raise DatabaseError("the database holds no finished training yet; srbench run makes one")
    drawn = random.Random(chosen_by).sample(runs, min(number, len(runs)))
    slots.load()
    devices = choose_devices(device, workers, say)
    device_now = "cpu" if devices[0] == "cpu" else device_name(devices[0])
    decoded = cache(Decoded)  # one a scale
    found: dict[int, Again] = {}
    left: list[tuple[FinishedRun, Task]] = []
    with tempfile.TemporaryDirectory(prefix="srbench-") as folder:
        for run in drawn:
            task = _task_again(run, device_now, decoded(run.training.scale), Path(folder))
            if isinstance(task, Again):
                found[run.run] = task
            else:
                left.append((run, task))
        with SharedLock(
            devices[: len(left)], lambda busy: say(f"waiting for a latency pass on {busy}")
        ):
            for run, end, points in _train(left, devices[: len(left)], say):
                found[run.run] = _compared(store, run, end, points)
    return [found[run.run] for run in drawn]


def _task_again(run: FinishedRun, device: str, images: Decoded, folder: Path) -> Task | Again:
    """The same training, with what is here now; or why it would be another."""
    stored = run.training
    try:
        made = Numerics.parse(stored.numerics)
        here = replace(made, device=device, threads=1)
        if made != here:
            return Again(run, "changed", f"made on {made}; here it would be {here}")
        tree = stored_tree(stored.model, stored.train, stored.data)
        variant = Variant(run.variant, "variant", tree, "", stored.salt)
        now = plan_variant(variant, (run.seed,), here, images)
        task = task_of(
            now,
            run=run.run,
            seed=run.seed,
            scale=stored.scale,
            folder=str(folder / str(run.run)),
            protocol=run.protocol,
            metrics=run.metrics,
            evaluate=tuple((images(c, "eval").manifest, c.to_json()) for c in tree.data["eval"]),
            checkpoint_s=float("inf"),
            precision=here.precision,
            memory_order=here.memory_order,
        )
    except (UserError, ValueError, RuntimeError, TypeError) as problem:
        return Again(run, "changed", f"it can no longer be built: {problem}")
    if now.fingerprint == stored.fingerprint:
        return task
    causes = {
        "the version of a part": now.source != stored.source,
        "the training images": now.manifest != stored.manifest,
    }
    named = [cause for cause, changed in causes.items() if changed]
    return Again(run, "changed", f"{' and '.join(named) or 'its settings'} changed since")


def _train(
    runs: Sequence[tuple[FinishedRun, Task]], devices: Sequence[str], say: Callable[[str], None]
) -> Iterator[tuple[FinishedRun, Done | Failed, dict[tuple[str, int], float]]]:
    """Every run's end and all points of its curves, as runs end."""
    waiting = list(runs)
    seats: dict[Any, LocalSeat] = {
        seat.pipe: seat for seat in (LocalSeat(device) for device in devices)
    }
    under_way: dict[Any, tuple[FinishedRun, dict[tuple[str, int], float]]] = {}
    try:
        while waiting or under_way:
            for pipe in connections.wait(list(seats)):
                message = _heard(seats[pipe])
                if isinstance(message, Refused):
                    raise DeviceError(message.message)
                if isinstance(message, Broken):
                    raise DeviceError(f"{seats[pipe].device} cannot be used: {message.message}")
                if pipe in under_way:
                    run, points = under_way[pipe]
                    if isinstance(message, Progress):
                        points |= {(name, step): value for name, step, _, value in message.points}
                    if isinstance(message, Done | Failed):
                        del under_way[pipe]
                        yield run, message, points
                if pipe not in under_way and waiting:
                    run, task = waiting.pop(0)
                    say(f"training {run.study}: {run.variant}, seed {run.seed}")
                    under_way[pipe] = run, {}
                    seats[pipe].send(task)
    finally:
        for pipe, seat in seats.items():
            if pipe in under_way:
                seat.kill()
            seat.end(ready=True)


def _heard(seat: LocalSeat) -> Message:
    try:
        message: Message = seat.pipe.recv()
    except (EOFError, OSError):
        raise DeviceError(f"a worker on {seat.device} was {seat.ending}") from None
    return message


def _compared(
    store: Store, run: FinishedRun, end: Done | Failed, points: dict[tuple[str, int], float]
) -> Again:
    if isinstance(end, Done) and end.unscored:
        return Again(run, "failed", f"not scored: {end.unscored.splitlines()[0]}")
    if isinstance(end, Failed):
        return Again(run, "failed", f"{end.reason}: {end.message.splitlines()[0]}")
    stored = {
        (score["dataset"], score["image"], score["metric"]): score["value"]
        for score in store.runs.show(run.run)["scores"]
        if score["protocol"] == run.protocol
    }
    scores = {(manifest, image, metric): value for manifest, image, metric, value in end.scores}
    if not stored:  # a candidate of a search, which was never scored
        scores = {}
    differences = [
        *(["weights"] if end.weights_sha256 != run.weights_sha256 else []),
        *_first_difference("points", store.runs.points(run.run), points),
        *_first_difference("scores", {k: stored.get(k) for k in scores}, scores),
    ]
    if differences:
        return Again(run, "different", "; ".join(differences))
    return Again(
        run, "identical", f"weights, {len(points):,} points of curves, {len(scores)} scores"
    )


def _first_difference(
    what: str, before: Mapping[Any, float | None], now: Mapping[Any, float | None]
) -> list[str]:
    """The first difference in words; equal is equal to the bit, and NaN equals NaN."""
    keys = sorted(set(before) | set(now), key=lambda key: (key[-1], *map(str, key)))
    apart = [k for k in keys if repr(before.get(k)) != repr(now.get(k))]
    if not apart:
        return []
    first = apart[0]
    return [
        f"{len(apart):,} of {len(keys):,} {what}, first {' '.join(map(str, first))}: "
        f"{before.get(first)} stored, {now.get(first)} now"
    ]
