"""Atomic writes of files, and one-line errors with a remedy where the disk refuses.

A file is written under another name, flushed and renamed, and its folder is flushed: after a kill
or a power cut the old file is there, or the new one. A failed write is not repeated, for a second
fsync may report success. What a command makes anew from rows, a report say, is only renamed:
a hundred flushes take a second.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from srbench.core.errors import DiskError

ASIDE = ".part"
AGAIN = "run the same command again"
REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space, then run the same command again",
    errno.EDQUOT: "the quota is used up; free some space, then run the same command again",
    errno.EFBIG: "a limit on file sizes is reached; raise it, then run the same command again",
    errno.EROFS: "the disk is read-only; name another folder, or mount it for writing",
    errno.EACCES: "the file or its folder may not be written by this user",
    errno.EPERM: "the file or its folder may not be written by this user",
    errno.EEXIST: "a part of the path is a file, not a folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "a folder has that name",
    errno.EIO: "the disk reports an error; check it, then run the same command again",
}


def reason_of(error: OSError) -> str:
    """What the system says of an error; the limit, where too many files are open."""
    reason = error.strerror or str(error)
    if error.errno != errno.EMFILE:
        return reason
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return f"{reason}: the limit is {limit}; raise it by `ulimit -n 4096`, then {AGAIN}"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError inside into a DiskError that names the file and a remedy."""
    try:
        yield
    except OSError as error:
        reason = reason_of(error)
        remedy = REMEDIES.get(error.errno or 0, "repair it, then run the same command again")
        raise DiskError(f"cannot be written ({reason}): {remedy}", place=str(path)) from error


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Replace a file by `data`; after a crash it has the old content or the new.

    Raises:
        DiskError: names the file, which still has its old content.
    """
    with replacing(path) as file:
        file.write(data)


def write_derived(path: Path, data: bytes) -> None:
    """Replace a file that can be made anew; after a power cut it may be lost.

    Raises:
        DiskError: names the file, which still has its old content.
    """
    with _renamed(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which replaces `path` on leaving without an error."""
    with _renamed(path) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    with disk_errors(path):
        flush_folder(path.parent)


@contextmanager
def _renamed(path: Path) -> Iterator[BinaryIO]:
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file, aside = _open_aside(path.with_name(path.name + ASIDE))
        try:
            with file:
                yield file
                file.flush()
                aside.replace(path)  # before its lock is released
        except BaseException:
            with suppress(OSError):  # free the space on a full disk
                aside.unlink(missing_ok=True)
            raise


def _open_aside(aside: Path) -> tuple[BinaryIO, Path]:
    """The empty file to write to, locked; where another process holds it, one with our PID.

    A file that a killed process left is used again.
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
        file.close()  # another process has just renamed it


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
