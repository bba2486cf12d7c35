"""Device locks: trainings hold a shared lock on a device, a latency pass an exclusive one.

They are file locks of the system, one file a device and user, so that a killed process releases
them. Only srbench takes them; a latency pass records what else runs on the machine.
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
    """Another srbench process trains or measures on the device."""


class SharedLock:
    """A shared lock on devices; entering waits while a latency pass holds one of them."""

    def __init__(
        self, devices: Iterable[str], on_wait: Callable[[str], None] = lambda device: None
    ) -> None:
        self.devices, self.on_wait = sorted(set(devices)), on_wait
        self.files, self.locked = ExitStack(), False

    def __enter__(self) -> SharedLock:
        for device in self.devices:
            file = self.files.enter_context(_open(device))
            if not _locked(file, fcntl.LOCK_SH):
                self.on_wait(device)
                while not _locked(file, fcntl.LOCK_SH):
                    time.sleep(POLL_S)
        self.locked = True
        return self

    def __exit__(self, *problem: object) -> None:
        self.files.close()
        self.locked = False

    @contextmanager
    def released(self) -> Iterator[None]:
        """Release the lock inside, so that a latency pass can take the devices; then lock again."""
        locked = self.locked
        self.__exit__()
        try:
            yield
        finally:
            if locked:
                self.__enter__()


@contextmanager
def exclusive_lock(device: str, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the only lock on a device.

    Raises:
        DeviceInUse: another srbench process holds a lock after `patience_s`.
    """
    until = time.monotonic() + patience_s
    with _open(device) as file:
        while not _locked(file, fcntl.LOCK_EX):
            if time.monotonic() >= until:
                raise DeviceInUse(
                    f"another srbench trains or measures on {device}, which would change the "
                    "times; --wait 600 waits up to ten minutes for it",
                    place="latency",
                )
            time.sleep(POLL_S)
        yield


def _open(device: str) -> IO[str]:
    folder = lock_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:  # under batch systems and `su` it may belong to another user
        folder = _own_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return (folder / f"{_identity(device)}.lock").open("a")


def lock_folder() -> Path:
    """The folder of the lock files, which the system clears at logout or shutdown."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    return Path(given) / "srbench" if given else _own_folder()


def _own_folder() -> Path:
    return Path(tempfile.gettempdir(), f"srbench-{os.getuid()}")


def _locked(file: IO[str], kind: int) -> bool:
    """Try to lock without waiting; False where another process holds the file."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(device: str) -> str:
    """A name of the hardware: processes may number the same CUDA devices differently."""
    if device == "cpu":
        return "cpu"
    import torch

    properties = torch.cuda.get_device_properties(device)
    named = str(getattr(properties, "uuid", "") or device)
    return f"cuda-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
