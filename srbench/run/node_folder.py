"""The folder of a command on a node of a cluster; whoever leaves it last removes it.

Each seat there holds a shared lock on a file in it, so a killed process leaves as well.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO


def sweep() -> None:
    """Remove the folders of commands that no process of this node works for any more."""
    for folder in _folder("").parent.glob(f"{_folder('').name}*"):
        leave(folder)


def leave(folder: Path) -> None:
    """Remove a command's folder, if nobody is in it any more."""
    with suppress(OSError), (folder / "alive").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)


def _folder(command: str) -> Path:
    return Path(tempfile.gettempdir()) / f"srbench-node-{os.getuid()}-{command}"


def entered(command: str) -> tuple[Path, IO[str]]:
    """A command's folder and the open file that shows that somebody is in it."""
    sweep()
    folder = _folder(command)
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            alive = (folder / "alive").open("a")
            fcntl.flock(alive, fcntl.LOCK_SH)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(alive.fileno()), (folder / "alive").stat()):
                    return folder, alive
            alive.close()  # it was removed meanwhile
