"""Who uses a device: trainings share it, a latency pass has it alone.

Locks of the system, so a killed process holds nothing; one file a device, in a folder of this user
on this machine. Only srbench keeps to them: what else runs is seen by the pass itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from srbench.core.errors import DeviceError

POLL_S = 0.05


class DeviceInUse(DeviceError):
    """Another srbench trains or measures on the device."""


class Share:
    """Use devices beside other trainings: `with` waits while a latency pass has one of them."""

    def __init__(
        self, devices: Iterable[str], on_wait: Callable[[str], None] = lambda device: None
    ) -> None:
        self.devices, self.on_wait = sorted(set(devices)), on_wait
        self.held, self.mine = ExitStack(), False

    def __enter__(self) -> Share:
        for device in self.devices:
            file = self.held.enter_context(_open(device))
            if not _taken(file, fcntl.LOCK_SH):
                self.on_wait(device)
                while not _taken(file, fcntl.LOCK_SH):
                    time.sleep(POLL_S)
        self.mine = True
        return self

    def __exit__(self, *problem: object) -> None:
        self.held.close()
        self.mine = False

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Do without them for a while, so that they can be had alone."""
        mine = self.mine
        self.__exit__()
        try:
            yield
        finally:
            if mine:
                self.__enter__()


@contextmanager
def alone(device: str, patience_s: float = 0.0) -> Iterator[None]:
    """Have a device for oneself, as far as srbench goes.

    Raises:
        DeviceInUse: another srbench uses it, still so after `patience_s`.
    """
    until = time.monotonic() + patience_s
    with _open(device) as file:
        while not _taken(file, fcntl.LOCK_EX):
            if time.monotonic() >= until:
                raise DeviceInUse(
                    f"another srbench trains or measures on {device}, and a time taken beside it "
                    "would say nothing: wait for it (--wait does)",
                    place="latency",
                )
            time.sleep(POLL_S)
        yield


def _open(device: str) -> IO[str]:
    folder = lock_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:  # batch systems and `su` leave the runtime folder of another
        folder = _own_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (folder / f"{_identity(device)}.lock").open("a")


def lock_folder() -> Path:
    """Where the locks are: what the system clears when the user or the machine leaves."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    return Path(given) / "srbench" if given else _own_folder()


def _own_folder() -> Path:
    return Path(tempfile.gettempdir(), f"srbench-{os.getuid()}")


def _taken(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(device: str) -> str:
    """A file name for the hardware: CUDA numbers its devices differently in each process."""
    if device == "cpu":
        return "cpu"
    import torch

    properties = torch.cuda.get_device_properties(device)
    named = str(getattr(properties, "uuid", "") or device)
    return f"cuda-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
