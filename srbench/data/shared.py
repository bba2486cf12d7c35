"""One copy of decoded pixels for all workers of a machine: files that each of them maps.

The first worker decodes the images one by one into a file, named by a key of its content; the
others wait for it. A mapping holds a lock on its file until it ends, also by a kill: so a file that
can be locked exclusively is used by no process, and is deleted. Where no file can be written, each
worker decodes images again whenever it uses them (`on_demand.py`).

The files lie on a disk and not in /dev/shm: their pages, too, are in memory once, but the system
can drop and read them again, so that a set may be larger than memory; a container's /dev/shm has
64 MB.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, TextIO

import numpy as np

from srbench.core.errors import InputError
from srbench.core.memory import scratch
from srbench.core.slots import Image as Pixels
from srbench.data.decoded import (
    Dataset,
    Image,
    from_outline,
    manifest_row,
    outline,
    without_pixels,
)
from srbench.data.on_demand import Make, Stands

Keep = Callable[[Sequence[Pixels], Make], int]
"""Stores pixels, and returns the number of the first; threads may call it.

What makes them again is used where they cannot be stored.
"""
FOLDER = "SRBENCH_PIXELS"  # environment variable: the folder, on a node of a cluster
POLL_S = 0.02
TRAILER = 8 + 32  # bytes: the length of the description, and the SHA-256 of all before


def folder() -> Path:
    """The folder of the files, which belongs to this user alone.

    Raises:
        OSError: it cannot be made, or another user has made it.
    """
    given = os.environ.get(FOLDER)
    here = Path(given) if given else Path(scratch()) / f"srbench-pixels-{os.getuid()}"
    here.mkdir(mode=0o700, exist_ok=True)
    if here.lstat().st_uid != os.getuid():
        raise PermissionError(f"{here} belongs to another user")
    return here


@contextmanager
def cleared() -> Iterator[None]:
    """Delete files that no process uses: first those that killed ones left, at the end ours."""
    sweep()
    try:
        yield
    finally:
        sweep()


def sweep() -> None:
    """Delete the files that no process uses."""
    with suppress(OSError):
        for path in folder().iterdir():
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def shared_set(
    key: str,
    decode: Callable[[Callable[[Image], Image]], Dataset],
    again: Callable[[str], Image],
) -> Dataset:
    """The set that `decode` gives, its pixels mapped; or the one stored under this key.

    `decode` passes each image on as soon as it has it, and continues with the result, which has no
    pixels. `again` decodes the image of a name once more.
    """

    def make(keep: Keep) -> dict[str, Any]:
        numbers = dict[str, int]()

        def stored(image: Image) -> Image:
            same = partial(_same, again, image.name, manifest_row(image))
            numbers[image.name] = keep(_pixels(image), same)
            return without_pixels(image)

        found = decode(stored)
        return {"name": found.name, "split": found.split, "numbers": numbers, **outline(found)}

    about, pixels = shared(key, make)
    found = from_outline(about, about["name"], about["split"])

    def mapped(image: Image) -> Image:
        n = about["numbers"][image.name]
        return replace(image, hr=pixels[n], lr=None if image.lr is None else pixels[n + 1])

    return replace(found, images=tuple(map(mapped, found.images)))


def _pixels(image: Image) -> list[Pixels]:
    return [image.hr] if image.lr is None else [image.hr, image.lr]


def _same(again: Callable[[str], Image], name: str, row: tuple[object, ...]) -> list[Pixels]:
    """The pixels of an image that is decoded again.

    Raises:
        InputError: they are others than before.
    """
    image = again(name)
    if manifest_row(image) != row:
        raise InputError(f"{name} has changed since the training began")
    return _pixels(image)


def shared(key: str, make: Callable[[Keep], Any]) -> tuple[Any, tuple[Pixels, ...]]:
    """What `make` returns, as plain data, and the pixels that it has kept.

    `make` is not called where they are stored under this key. Mapped pixels are read-only.
    """
    try:
        with (folder() / f"{key}.lock").open("a+") as lock:
            _wait_for(lock)
            path = folder() / key
            with suppress(OSError, ValueError, LookupError, TypeError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                return _mapped(file)
            return _written(path, make)
    except OSError:  # no such folder, a full disk, or its decoder sleeps
        stands = Stands()
        return make(stands.keep), tuple(stands.pixels)


def _wait_for(lock: TextIO) -> None:
    """Lock a file, which then has this process's number in it.

    Raises:
        OSError: the process that has the lock is suspended.
    """
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            lock.seek(0)
            if _is_suspended(lock.read()):
                raise OSError("locked by a process that is suspended") from None
            time.sleep(POLL_S)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def _is_suspended(process: str) -> bool:
    with suppress(OSError, IndexError):
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return bool(process) and state in "Tt"
    return False


@dataclass
class _Writer:
    """A file under way: pixels one after another, then what describes them."""

    file: BinaryIO
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    sha256: Any = field(default_factory=hashlib.sha256)
    lock: Lock = field(default_factory=Lock)

    def keep(self, pixels: Sequence[Pixels], again: Make) -> int:
        with self.lock:
            first = len(self.shapes)
            for one in pixels:
                self._write(np.ascontiguousarray(one).data)
                self.shapes.append(one.shape)
            return first

    def finish(self, about: Any) -> None:
        description = json.dumps({"about": about, "shapes": self.shapes}).encode()
        self._write(description)
        self._write(len(description).to_bytes(8, "big"))
        self.file.write(self.sha256.digest())
        self.file.flush()

    def _write(self, part: bytes | memoryview) -> None:
        self.file.write(part)
        self.sha256.update(part)


def _written(path: Path, make: Callable[[Keep], Any]) -> tuple[Any, tuple[Pixels, ...]]:
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with aside.open("w+b") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            writer = _Writer(file)
            writer.finish(make(writer.keep))
            aside.replace(path)
            return _mapped(file)
    finally:
        aside.unlink(missing_ok=True)


def _mapped(file: BinaryIO) -> tuple[Any, tuple[Pixels, ...]]:
    """What a file holds. The mapping has the file's lock as long as any of its pixels are used.

    Raises:
        ValueError, LookupError, TypeError: it is not as it was written.
    """
    whole = np.frombuffer(mmap(file.fileno(), 0, access=ACCESS_READ), np.uint8)
    end = len(whole) - TRAILER
    if hashlib.sha256(whole[: end + 8].data).digest() != whole[end + 8 :].tobytes():
        raise ValueError("it is damaged")
    length = int.from_bytes(whole[end : end + 8].tobytes(), "big")
    description = json.loads(whole[end - length : end].tobytes())
    first, pixels = 0, []
    for shape in description["shapes"]:
        pixels.append(whole[first : first + prod(shape)].reshape(shape))
        first += prod(shape)
    return description["about"], tuple(pixels)
