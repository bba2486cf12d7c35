"""A seat as it is on a node of a cluster: a local worker whose files travel with its messages.

The node has neither the database nor the images. A run's checkpoint and weights come with its task,
and what the worker writes leaves with its messages, each file with its SHA-256. All of it is below
one folder of the command, see `node_folder`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from srbench.data import shared
from srbench.run import node_folder
from srbench.run.lent_images import INDEX
from srbench.run.messages import Done, Failed, Message, Refused, Stopped, Task
from srbench.run.worker_processes import LocalSeat
from srbench.train import checkpoint

WAIT_S = 5.0  # for a message, until an empty answer shows that the seat is there
MOST = 100  # messages at once
WEIGHTS = "scored.safetensors"  # of a run that is to be scored


@dataclass(frozen=True)
class Received:
    """A message of a seat with the files that it speaks of; without one, how the seat ended."""

    message: Message | None
    files: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)  # content, SHA-256
    ending: str = ""
    lost: bool = False  # with its node


def is_intact(content: bytes, sha256: str) -> bool:
    return hashlib.sha256(content).hexdigest() == sha256


class NodeSeat:
    """A worker of this node for one command, from one task to the next."""

    task: Task | None  # under way
    newest: str  # checkpoint that was sent or received
    leaving: bool  # the node is about to end

    def __init__(self, device: str, command: str) -> None:
        self.device = device
        self.folder, self.alive = node_folder.entered(command)
        os.environ[shared.FOLDER] = str(self.folder / "pixels")
        self.start()

    def start(self) -> None:
        """Start a worker, in the place of one that has ended."""
        scratch = Path(tempfile.mkdtemp(dir=self.folder))
        self.scratch, self.task, self.newest, self.leaving = scratch, None, "", False
        self.seat = LocalSeat(self.device)

    def send(self, message: Any, files: Mapping[str, bytes]) -> None:
        """Give the worker a message; a task with its checkpoint, or the weights to score."""
        if isinstance(message, Task):
            folder = self.scratch / str(message.run)
            folder.mkdir(exist_ok=True)
            for name, content in files.items():
                (folder / name).write_bytes(content)
            self.newest = max((name for name in files if name != WEIGHTS), default="")
            message = self.task = replace(
                message,
                folder=str(folder),
                weights=str(folder / WEIGHTS) if message.weights else None,
                borrowed=str(self.folder / "images"),
            )
        self.seat.send(message)

    def stop(self) -> None:
        """Have the worker save its run, after which this seat is lost."""
        self.leaving = True
        self.seat.send("stop")

    def receive(self) -> list[Received]:
        """What the worker says, after `WAIT_S` at the most."""
        received: list[Received] = []
        try:
            if self.seat.pipe.poll(WAIT_S):
                while len(received) < MOST and self.seat.pipe.poll():
                    message: Message = self.seat.pipe.recv()
                    received.append(Received(message, self._files(message)))
        except (EOFError, OSError):
            received.append(Received(None, ending=self.seat.ending))
        if self.leaving and self.task is None:
            received.append(
                Received(None, ending="lost with its node, which was stopped", lost=True)
            )
        return received

    def lend(self, index: str, contents: Iterable[tuple[str, bytes]]) -> None:
        """Take the images that this node lacks, once for all of its seats."""
        folder = self.folder / "images"
        with _locked(self.folder / "images.lock"):
            if folder.exists():
                return
            aside = folder.with_suffix(".part")
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            for name, content in contents:
                (aside / name).write_bytes(content)
            (aside / INDEX).write_text(index, encoding="utf-8")
            aside.rename(folder)

    def end(self) -> None:
        """End the worker and remove its files."""
        self.seat.end(ready=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def leave(self) -> None:
        self.end()
        self.alive.close()
        node_folder.leave(self.folder)

    def _files(self, message: Message) -> dict[str, tuple[bytes, str]]:
        """A new checkpoint, and at the end of a task all files but that."""
        if self.task is None:
            return {}
        folder = Path(self.task.folder)
        names: list[str] = []
        newest = checkpoint.newest(folder)
        if isinstance(message, Done):
            names = [f.name for f in folder.iterdir() if f.name not in (WEIGHTS, newest)]
            names = [name for name in names if not checkpoint.is_one(name)]
        elif newest and newest != self.newest and not isinstance(message, Failed):
            names, self.newest = [newest], newest
        found = {}
        for name in names:
            with suppress(FileNotFoundError):  # an older checkpoint, by now
                content = (folder / name).read_bytes()
                found[name] = content, hashlib.sha256(content).hexdigest()
        if isinstance(message, Done | Failed | Stopped | Refused):
            shutil.rmtree(folder, ignore_errors=True)
            self.task = None
        return found


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
