"""Files that are there whole or not at all, and what to say where a disk refuses.

Written aside, flushed, renamed, the folder flushed: after a kill or a power cut the old file is
there, or the new one. A write that failed is never tried again: a second fsync may lie.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from srbench.core.errors import DiskError

ASIDE = ".part"
REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space, then run the same command again",
    errno.EDQUOT: "the quota is used up; free some space, then run the same command again",
    errno.EFBIG: "a limit on file sizes is reached; raise it, then run the same command again",
    errno.EROFS: "the disk may only be read; name another folder, or mount it for writing",
    errno.EACCES: "the file or its folder may not be written by this user",
    errno.EPERM: "the file or its folder may not be written by this user",
    errno.EEXIST: "something on the way there is a file, not a folder",
    errno.ENOTDIR: "something on the way there is a file, not a folder",
    errno.EISDIR: "there is a folder of that name",
    errno.EIO: "the disk refused; look after it, then run the same command again",
}


@contextmanager
def written(path: Path) -> Iterator[None]:
    """What fails while writing below is told in one line, with the file and a remedy."""
    try:
        yield
    except OSError as error:
        said = error.strerror or str(error)
        remedy = REMEDIES.get(error.errno or 0, "run the same command again when it is mended")
        raise DiskError(f"cannot be written ({said}): {remedy}", place=str(path)) from error


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write a file so that after a crash it is there whole, or not at all.

    Raises:
        DiskError: names the file; what was there before is still there.
    """
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes its place when all went well, as `write_atomically`."""
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file, aside = _mine(path.with_name(path.name + ASIDE))
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                aside.replace(path)  # before its lock is let go
        except BaseException:
            with suppress(OSError):  # a full disk wants its space back
                aside.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)


def _mine(aside: Path) -> tuple[BinaryIO, Path]:
    """The file aside, empty and for this process alone; where another writes it, one beside it.

    What a killed process left is taken over, so that nothing piles up.
    """
    while True:
        file = os.fdopen(os.open(aside, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            same = os.path.samestat(os.fstat(file.fileno()), aside.stat())
        except BlockingIOError:
            file.close()
            other = aside.with_name(f"{aside.name}.{os.getpid()}{ASIDE}")
            return other.open("wb"), other
        except FileNotFoundError:
            same = False
        except OSError:  # a disk without locks
            same = True
        if same:
            file.truncate()
            return file, aside
        file.close()  # its writer has renamed it meanwhile


def flush_folder(folder: Path) -> None:
    """Make the names in a folder last, where the system can."""
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
