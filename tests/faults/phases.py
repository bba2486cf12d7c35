"""Where a process of srbench is, and what the store promised it, seen from outside.

The harness wraps functions of srbench in the processes that it starts: each writes its phase into
a mapped file, which survives the process, and every call of the store into a history.
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
OF_CONDUCTOR = ("claim", "commit")
OF_WORKER = ("step", "checkpoint", "scoring")
PHASES = (*OF_CONDUCTOR, *OF_WORKER)  # each is aimed at


class Phase:
    """The mapped file of this process: the name of the phase it is in."""

    def __init__(self, folder: Path, conductor: int) -> None:
        path = _file(folder, conductor, os.getpid())
        path.parent.mkdir(parents=True, exist_ok=True)
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
        """Have a function or method set the phase while it runs."""
        wrapped = getattr(owner, attribute)

        @functools.wraps(wrapped)
        def watched(*arguments: Any, **named: Any) -> Any:
            with self.during(name):
                return wrapped(*arguments, **named)

        setattr(owner, attribute, watched)


def _file(folder: Path, conductor: int, pid: int) -> Path:
    return folder / "trace" / f"{conductor}-{pid}"


def read(folder: Path, conductor: int, pid: int) -> str:
    """The phase that a process is in, or died in."""
    try:
        return _file(folder, conductor, pid).read_bytes()[:WIDTH].decode().strip() or "import"
    except FileNotFoundError:
        return "import"  # it has not reached its first line


def workers(folder: Path, conductor: int) -> list[int]:
    """The processes that a conductor has had as workers."""
    found = (folder / "trace").glob(f"{conductor}-*")
    return [
        pid for pid in (int(file.name.rpartition("-")[2]) for file in found) if pid != conductor
    ]


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

    from srbench.run import conductor, session
    from srbench.store.measurements import Measurements
    from srbench.store.queue import Queue

    phase.wrap(session, "run", "plan")
    phase.wrap(conductor.Conductor, "conduct", "wait")
    record((Queue, Measurements), history)
    phase.wrap(Queue, "claim", "claim")
    phase.wrap(DefaultDialect, "do_commit", "commit")


def record(roles: tuple[type, ...], history: Path) -> None:
    """Have the store's calls that write about a run go into a history, before and after."""
    history.mkdir(parents=True, exist_ok=True)
    file = os.open(history / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(**what: Any) -> None:
        os.write(file, (json.dumps(what | {"at": time.monotonic_ns()}) + "\n").encode())

    for name, about in _WRITES.items():
        (role,) = (role for role in roles if hasattr(role, name))
        setattr(role, name, _recorded(getattr(role, name), name, about, note))


def _recorded(
    call: Callable[..., Any], name: str, about: Callable[..., dict[str, Any]], note: Any
) -> Callable[..., Any]:
    @functools.wraps(call)
    def recorded(self: Any, *arguments: Any, **named: Any) -> Any:
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

    return recorded


def _held(lease: Any, **more: Any) -> dict[str, Any]:
    return {"run": lease.run, "fence": lease.fence} | more


def _points(lease: Any, points: Any, *, steps: int | None = None) -> dict[str, Any]:
    return _held(lease, points=[[p.name, p.step, float(p.value).hex()] for p in points])


_WRITES: dict[str, Callable[..., dict[str, Any]]] = {
    "claim": lambda plan, owner: {"pid": owner.pid},
    "write_points": _points,
    "forget_points": lambda lease, after: _held(lease, after=after),
    "finish": lambda lease, outcome: _held(lease, sha=outcome.weights_sha256),
    "fail": lambda lease, reason, message, **more: _held(lease, reason=reason),
    "interrupt": lambda lease, steps: _held(lease),
}
