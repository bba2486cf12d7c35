"""Where a process of srbench is, and what it was promised: seen from outside, even after kill -9.

The harness wraps functions of the product in the processes that it starts: each writes its phase
into a mapped file, which survives the process, and every call of the store into a history. The
product knows nothing of it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import mmap
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WIDTH = 16
PHASES = ("import", "claim", "step", "checkpoint", "commit", "scoring", "tell")  # each is aimed at


class Phase:
    """The mapped file of this process: the name of the phase it is in."""

    def __init__(self, folder: Path, kind: str, conductor: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{conductor}-{kind}-{os.getpid()}"
        path.write_bytes(b"import".ljust(WIDTH))
        with path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), WIDTH)

    @contextlib.contextmanager
    def during(self, name: str) -> Iterator[None]:
        before = self.map[:WIDTH]
        self.map[:WIDTH] = name.encode().ljust(WIDTH)
        try:
            yield
        finally:
            self.map[:WIDTH] = before

    def wrap(self, owner: Any, attribute: str, name: str) -> None:
        """Have a function or method say that it is under way."""
        wrapped = getattr(owner, attribute)

        @functools.wraps(wrapped)
        def told(*arguments: Any, **named: Any) -> Any:
            with self.during(name):
                return wrapped(*arguments, **named)

        setattr(owner, attribute, told)


def read(path: Path) -> str:
    """The phase a process is in, or died in."""
    return path.read_bytes()[:WIDTH].decode().strip() or "import"


def watch_worker(phase: Phase) -> None:
    from srbench.run import worker
    from srbench.train import checkpoint

    phase.wrap(worker.RunUnderWay, "do", "build")
    phase.wrap(worker.RunUnderWay, "_train", "step")
    phase.wrap(worker.Scorer, "validate", "validate")
    phase.wrap(worker.RunUnderWay, "_save_weights", "weights")
    phase.wrap(worker.Scorer, "score", "scoring")
    phase.wrap(checkpoint, "save", "checkpoint")
    phase.wrap(worker, "main", "idle")


def watch_conductor(phase: Phase, history: Path) -> None:
    from sqlalchemy.engine.default import DefaultDialect

    from srbench.run import conductor, mirror, session
    from srbench.run.optuna_file import OptunaFile
    from srbench.store import Store

    phase.wrap(session, "run", "plan")
    phase.wrap(conductor.Conductor, "conduct", "wait")
    phase.wrap(mirror, "refresh", "mirror")
    phase.wrap(OptunaFile, "_write", "tell")
    record(Store, history)
    phase.wrap(Store, "claim", "claim")
    phase.wrap(DefaultDialect, "do_commit", "commit")


def record(store: Any, history: Path) -> None:
    """Have the store's calls that write about a run go into a history, before and after."""
    history.mkdir(parents=True, exist_ok=True)
    file = os.open(history / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(**what: Any) -> None:
        os.write(file, (json.dumps(what | {"at": time.monotonic_ns()}) + "\n").encode())

    for name, about in _WRITES.items():
        setattr(store, name, _recorded(getattr(store, name), name, about, note))


def _recorded(
    call: Callable[..., Any], name: str, about: Callable[..., dict[str, Any]], note: Any
) -> Callable[..., Any]:
    @functools.wraps(call)
    def told(self: Any, *arguments: Any, **named: Any) -> Any:
        number = time.monotonic_ns()
        note(call=number, op=name, **about(*arguments, **named))
        try:
            answer = call(self, *arguments, **named)
        except Exception as problem:
            note(call=number, end=type(problem).__name__)
            raise
        found = {} if name != "claim" or answer is None else _held(answer)
        note(call=number, end="ok", **found)
        return answer

    return told


def _held(claim: Any, **more: Any) -> dict[str, Any]:
    return {"run": claim.run, "fence": claim.epoch} | more


def _points(claim: Any, points: Any, *, steps: int | None = None) -> dict[str, Any]:
    return _held(claim, points=[[p.name, p.step, float(p.value).hex()] for p in points])


_WRITES: dict[str, Callable[..., dict[str, Any]]] = {
    "claim": lambda plan, owner: {"pid": owner.pid},
    "write_points": _points,
    "forget_points": lambda claim, after: _held(claim, after=after),
    "finish": lambda claim, outcome: _held(claim, sha=outcome.weights_sha256),
    "fail": lambda claim, reason, message, **more: _held(claim, reason=reason),
    "interrupt": lambda claim, steps: _held(claim),
}
