"""Who keeps a study's Optuna mirror: locks that end with their process, and a file that does not.

Several `srbench run` may show trials in one mirror. Only who is alone may make it anew or end
trials that nobody works on. A kill leaves the file behind: then the mirror is to be looked after.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def confirmation_of(study: str) -> str:
    """The name of the mirror where a search's best are trained again."""
    return f"{study}, confirmation"


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """One process at a time opens, joins, leaves or rebuilds a mirror: Optuna's start-up races."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "optuna.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_left_open(root: Path, study: str) -> bool:
    """Whether somebody keeps the study's mirror, or was killed while keeping it."""
    return _file(root, study).exists()


class Keeper:
    """This process as one of those that keep a mirror. To be made, asked and let go `locked`."""

    def __init__(self, root: Path, study: str) -> None:
        self.path = _file(root, study)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file: IO[str] = self.path.open("a")
        if not self.is_alone():
            fcntl.flock(self.file, fcntl.LOCK_SH)

    def is_alone(self) -> bool:
        """Whether no other living process keeps the mirror."""
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self.file, fcntl.LOCK_SH)  # a failed change may have dropped it
            return False
        fcntl.flock(self.file, fcntl.LOCK_SH)
        return True

    def leave(self) -> None:
        """Let the mirror go; the last one takes the file away."""
        if not self.file.closed:
            if self.is_alone():
                self.path.unlink(missing_ok=True)
            self.file.close()


def _file(root: Path, study: str) -> Path:
    """A study's name never becomes a path."""
    return root / "runs" / "mirrors" / hashlib.sha256(study.encode("utf-8", "replace")).hexdigest()
