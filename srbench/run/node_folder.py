"""The folder of a command on a node of a cluster; it is removed when no process uses it any more.

Each seat there holds a shared lock on a file in it, so a killed process leaves as well. Ray kills
the children of an actor with it; so a process that is no child of it waits for the last lock to go.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL
from typing import IO

REMOVER = """
import fcntl, os, shutil, sys
file = open(sys.argv[1] + "/alive")
if os.fork():
    os._exit(0)
os.setsid()
fcntl.flock(file, fcntl.LOCK_EX)
if os.path.samestat(os.fstat(file.fileno()), os.stat(file.name)):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


def sweep() -> None:
    """Remove the folders of commands that no process of this node works for any more."""
    for folder in _folder("").parent.glob(f"{_folder('').name}*"):
        leave(folder)


def leave(folder: Path) -> None:
    """Remove a command's folder, if no process uses it any more."""
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
                    remover = [sys.executable, "-SEc", REMOVER, str(folder)]
                    subprocess.run(
                        remover, check=False, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
                    )
                    return folder, alive
            alive.close()  # it was removed meanwhile
