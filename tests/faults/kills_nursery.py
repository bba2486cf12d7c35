"""Processes of srbench without the seconds of import: forked from one that has imported it all.

`Nursery` starts the parent; `start` gives a conductor, whose workers come from a fork server of
the same kind. A conductor leads a process group of its own, and its workers are in it, as under
a shell. `python kills_nursery.py FD` is the parent itself.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1]


@dataclass(frozen=True)
class Child:
    """A conductor: what it says goes to a file."""

    nursery: Nursery
    pid: int
    out: Path

    def poll(self) -> int | None:
        code: int | None = self.nursery.ask(("poll", self.pid))
        return code

    def said(self) -> str:
        return self.out.read_text(errors="replace")

    def wait(self, seconds: float = 120) -> int:
        end = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                os.killpg(self.pid, signal.SIGKILL)
                raise AssertionError(f"does not end\n{self.said()}")
            time.sleep(0.003)
        return code


class Nursery:
    """The parent of conductors, as its client sees it; threads may share it."""

    def __init__(self, package: Path = PACKAGE) -> None:
        ours, theirs = Pipe()
        self.pipe, self.lock, self.count = ours, threading.Lock(), 0
        command = [sys.executable, str(HERE / "kills_nursery.py"), str(theirs.fileno())]
        self.process = subprocess.Popen(
            command,
            env=environment(package),
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            cwd=HERE,  # the fork server looks for modules here first
        )
        theirs.close()
        self.ask(("hello",))

    def ask(self, request: tuple[Any, ...]) -> Any:
        with self.lock:
            self.pipe.send(request)
            return self.pipe.recv()

    def start(
        self, folder: Path, *arguments: str, workers: str = "forked", more: str = ""
    ) -> Child:
        """A conductor in this folder. `workers` are "forked", or "spawned" as users' are; `more`
        names a function, module:name, to be called in it first."""
        with self.lock:
            self.count += 1
            out = folder / "said" / f"{self.count}.txt"
        out.parent.mkdir(exist_ok=True)
        out.touch()
        pid = self.ask(("start", str(folder), arguments, str(out), workers, more))
        return Child(self, pid, out)

    def call(self, folder: Path, function: str, *arguments: Any) -> Child:
        """A process that calls `module:name` with these arguments."""
        with self.lock:
            self.count += 1
            out = folder / f"called-{self.count}.txt"
        out.touch()
        pid = self.ask(("call", str(folder), function, arguments, str(out)))
        return Child(self, pid, out)

    def close(self) -> None:
        self.pipe.close()
        self.process.wait(20)


def environment(package: Path = PACKAGE) -> dict[str, str]:
    hidden = ("SRBENCH_DB", "SRBENCH_DATA", "FORCE_COLOR")
    paths = [str(package), *map(str, (HERE, HERE.parent, HERE.parent / "store"))]
    return {
        **{name: value for name, value in os.environ.items() if name not in hidden},
        "CUDA_VISIBLE_DEVICES": "",
        "COLUMNS": "200",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(paths),
    }


# what follows runs in the parent and in what it forks

LATE = ("torch._dynamo", "skimage.metrics", "pandas", "PIL.PngImagePlugin")  # at first use
WORKER = ("srbench.run.worker", "srbench.run.conductor")
CONDUCTOR = (
    "alembic.autogenerate", "alembic.command", "alembic.migration", "kills_phases",
    "multiprocessing.popen_forkserver", "optuna.storages._rdb.storage", "optuna_dashboard",
    "plotly.graph_objs._figure", "plotly.graph_objs._layout", "plotly.graph_objs._scatter",
    "plotly.io._json", "plotly.offline", "pydantic.json_schema", "scipy.stats",
    "sqlalchemy.dialects.sqlite", "srbench.cli.main", "srbench.run.mirror_runs",
    "srbench.study.plan",
    "srbench.run.records", "srbench.report.figure_plotly", "srbench.report.markdown",
    "srbench.report.terminal", "srbench.run.session", "srbench.store.read",
    "srbench.run.progress",
)  # fmt: skip


def serve(pipe: Connection) -> None:
    from multiprocessing import forkserver, set_forkserver_preload

    set_forkserver_preload(["kills_nursery", "kills_phases", *LATE, *WORKER])
    for module in (*LATE, *WORKER, *CONDUCTOR):
        importlib.import_module(module)
    named("srbench.core.slots:load")()
    forkserver.ensure_running()
    ended: dict[int, int] = {}
    started: list[int] = []
    while True:
        try:
            kind, *what = pipe.recv()
        except EOFError:
            break
        if kind in ("start", "call"):
            do = conductor if kind == "start" else called
            started.append(fork(partial(do, *what)))
            pipe.send(started[-1])
        elif kind == "poll":
            pid = what[0]
            if pid not in ended:
                gone, status = os.waitpid(pid, os.WNOHANG)
                if gone:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            pipe.send(ended.get(pid))
        else:
            pipe.send("here")
    for pid in started:  # a test that failed may have left some, perhaps asleep
        if pid not in ended:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def fork(do: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        reseed()
        do()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def reseed() -> None:
    """What a fork copies and a new process has its own of."""
    import random

    import numpy as np

    random.seed()
    np.random.seed()


def settle(folder: str, out: str) -> None:
    os.chdir(folder)
    file = os.open(out, os.O_WRONLY | os.O_APPEND)
    for number, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, file), (2, file)):
        os.dup2(source, number)


def named(function: str) -> Callable[..., Any]:
    module, name = function.split(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def called(folder: str, function: str, arguments: tuple[Any, ...], out: str) -> None:
    settle(folder, out)
    named(function)(*arguments)


def conductor(folder: str, arguments: tuple[str, ...], out: str, workers: str, more: str) -> None:
    import kills_phases

    settle(folder, out)
    phase = kills_phases.Phase(Path(folder) / "trace", "conductor", os.getpid())
    kills_phases.watch_conductor(phase, Path(folder) / "history")
    if workers == "forked":
        seats: Any = importlib.import_module("srbench.run.worker_processes")
        seats.multiprocessing = Forked(Path(folder) / "trace")
    if more:
        named(more)()
    from srbench.cli.main import main

    sys.argv = ["srbench", *arguments]
    main(arguments)


class Forked:
    """Stands for `multiprocessing` in `run.worker_processes`: workers from the fork server."""

    def __init__(self, trace: Path) -> None:
        from multiprocessing import forkserver, get_context

        forkserver._forkserver.ensure_running = lambda: None  # type: ignore[method-assign]
        self.context, self.trace = get_context("forkserver"), trace

    def get_context(self, method: str) -> Forked:
        return self

    def Pipe(self) -> Any:  # noqa: N802
        return self.context.Pipe()

    def Process(self, target: Any, args: tuple[Any, ...], daemon: bool) -> Any:  # noqa: N802
        more = (os.getpid(), self.trace, *args)
        return self.context.Process(target=watched_worker, args=more, daemon=daemon)


def watched_worker(conductor: int, trace: Path, *arguments: Any) -> None:
    import kills_phases

    try:
        os.setpgid(0, conductor)
    except (PermissionError, ProcessLookupError):
        return  # the conductor has died meanwhile
    reseed()
    kills_phases.watch_worker(kills_phases.Phase(trace, "worker", conductor))
    from srbench.run import worker

    worker.main(*arguments)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
