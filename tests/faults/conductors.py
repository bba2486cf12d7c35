"""Commands of srbench without the seconds of import: forked from a server that has imported it all.

A conductor leads a process group of its own, and its workers, which come from the same server,
are in it, as under a shell.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from typing import Any
from unittest import mock

import phases
import tiny

SERVER = multiprocessing.get_context("forkserver")
Bug = Callable[[], None]
"""Plants a fault in the process that calls it."""
PLANTED = "a bug is planted"


def start_server() -> None:
    """Start the fork server with what commands of the tests have for an environment."""
    surroundings = tiny.environment(Path.cwd()) | {"PYTHONPATH": os.pathsep.join(sys.path)}
    SERVER.set_forkserver_preload(["preloaded"])
    with mock.patch.dict(os.environ, surroundings, clear=True):
        forkserver.ensure_running()


class Child:
    """A process that calls a function in a folder; what it prints goes to a file."""

    def __init__(self, folder: Path, function: Callable[..., object], *arguments: Any) -> None:
        self.folder = folder
        self.output = folder / "printed" / f"{time.monotonic_ns()}.txt"
        self.output.parent.mkdir(exist_ok=True)
        self.output.touch()
        self.process = SERVER.Process(
            target=_called, args=(folder, self.output, function, *arguments)
        )
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        return self.process.exitcode

    def wait(self, seconds: float = 120) -> int:
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.kill_group()
            raise AssertionError(f"still runs after {seconds} s\n{self.printed()}")
        return self.process.exitcode

    def printed(self) -> str:
        return self.output.read_text(errors="replace")

    def kill_group(self) -> None:
        with suppress(ProcessLookupError):  # just forked, and not yet a leader
            os.killpg(self.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()


class Conductor(Child):
    """A command of srbench under observation; a bug is planted in it and in its workers."""

    def __init__(self, folder: Path, *arguments: str, bug: Bug | None = None) -> None:
        super().__init__(folder, _conduct, arguments, bug)

    def phase_of(self, pid: int) -> str:
        """The phase that the conductor or a worker is in, or died in."""
        return phases.read(self.folder, self.pid, pid)

    def phase(self) -> str:
        return self.phase_of(self.pid)

    def has_begun(self) -> bool:
        return self.phase() != "import"

    def until(self, found: Callable[[], Any], seconds: float = 60) -> Any:
        """Ask until the answer is true; the last answer where the command ends, or after a time."""
        end = time.monotonic() + seconds
        while not (answer := found()) and self.poll() is None and time.monotonic() < end:
            time.sleep(0.0003)
        return answer

    def workers(self, phase: str | None = None) -> list[int]:
        """The workers that live, or those of them in a phase."""
        living = [pid for pid in phases.workers(self.folder, self.pid) if alive(pid)]
        return [pid for pid in living if phase in (None, self.phase_of(pid))]


def run(folder: Path, *options: str, checkpoint_s: str = "0", bug: Bug | None = None) -> Conductor:
    """`srbench run` of the tiny study with two workers."""
    more = ("--workers", "2", "--checkpoint-s", checkpoint_s, *options)
    return Conductor(folder, "run", "tiny.yaml", *more, bug=bug)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pid: int) -> None:
    """Kill a process that is not our child, and wait for its end."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    tiny.wait_for(lambda: not alive(pid))


# what follows runs in children of the server


def _called(folder: Path, output: Path, function: Callable[..., object], *arguments: Any) -> None:
    os.setpgid(0, 0)
    os.chdir(folder)
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    for number, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, file), (2, file)):
        os.dup2(source, number)
    function(*arguments)


def _conduct(arguments: tuple[str, ...], bug: Bug | None) -> None:
    from srbench.cli.main import main
    from srbench.run import worker_processes

    folder = Path.cwd()
    if bug is not None:
        bug()
        print(PLANTED, flush=True)
    phases.watch_conductor(phases.Phase(folder, os.getpid()), folder / "history")
    worker_processes.multiprocessing = Forked(folder, bug)  # type: ignore[assignment]
    sys.argv = ["srbench", *arguments]
    main(arguments)


class Forked:
    """Stands for `multiprocessing` in `run.worker_processes`: workers from the fork server."""

    Pipe = staticmethod(SERVER.Pipe)

    def __init__(self, folder: Path, bug: Bug | None) -> None:
        forkserver._forkserver.ensure_running = lambda: None  # type: ignore[method-assign]
        self.more = (os.getpid(), folder, bug)

    def get_context(self, method: str) -> Forked:
        return self

    def Process(self, target: Any, args: tuple[Any, ...], daemon: bool) -> Any:  # noqa: N802
        return SERVER.Process(target=_work, args=(*self.more, *args), daemon=daemon)


def _work(conductor: int, folder: Path, bug: Bug | None, *arguments: Any) -> None:
    from srbench.run import worker

    try:
        os.setpgid(0, conductor)
    except (PermissionError, ProcessLookupError):
        return  # the conductor has died meanwhile
    if bug is not None:
        bug()
    phases.watch_worker(phases.Phase(folder, conductor))
    worker.main(*arguments)
