"""One copy of a large set's pixels for all workers of a command: a file that each of them maps.

The first worker decodes the images and writes the file; the others wait for it. Where no file can
be written, each worker has pixels of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import prod
from mmap import ACCESS_READ, mmap
from multiprocessing import parent_process
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir
from typing import Any

import numpy as np

from srbench.core.slots import Image as Pixels
from srbench.data.decoded import Dataset, Image, outline

SHARED_FROM = 64_000_000  # bytes: smaller sets are decoded faster than they are worth a file


FOLDER = "SRBENCH_PIXELS"  # environment variable: the folder, on a node of a cluster


def folder() -> Path:
    """Where the workers of a command share pixels: named by its process."""
    if given := os.environ.get(FOLDER):
        return Path(given)
    parent = parent_process()
    return _folder(parent.pid if parent else os.getpid())  # type: ignore[arg-type]


@contextmanager
def cleared() -> Iterator[None]:
    """At the end delete what the workers of this process shared; first, what killed ones left."""
    for left in _folder("*").parent.glob(_folder("*").name):
        if not _runs(left.name.rpartition("-")[2]):
            rmtree(left, ignore_errors=True)
    try:
        yield
    finally:
        rmtree(_folder(os.getpid()), ignore_errors=True)


def _folder(process: int | str) -> Path:
    return Path(gettempdir()) / f"srbench-pixels-{os.getuid()}-{process}"


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


def shared(key: str, make: Callable[[], Dataset]) -> Dataset:
    """The set that `make` decodes, or that another worker has stored under this key."""
    here = folder()
    try:
        here.mkdir(mode=0o700, exist_ok=True)
        with (here / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with suppress(OSError, ValueError, KeyError):
                return _mapped(here / key)
            found = make()
            if found.bytes < SHARED_FROM:
                return found
            with suppress(OSError):  # a full disk
                _write(found, here / key)
                return _mapped(here / key)
            return found
    except OSError:
        return make()


def _write(images: Dataset, path: Path) -> None:
    sha256 = hashlib.sha256()
    with path.open("wb") as file:
        for image in images.images:
            for pixels in (image.hr, image.lr):
                if pixels is not None:
                    file.write(pixels.data)
                    sha256.update(pixels.data)
    about = {"name": images.name, "split": images.split, "sha256": sha256.hexdigest()}
    text = json.dumps(about | outline(images))
    path.with_suffix(".json").write_text(text, encoding="utf-8")


def _mapped(path: Path) -> Dataset:
    """The set of a file that `_write` made.

    Raises:
        OSError, ValueError: there is none, or its pixels are not those that were written.
    """
    about: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with path.open("rb") as file:
        pixels = np.frombuffer(mmap(file.fileno(), 0, access=ACCESS_READ), np.uint8)
    if hashlib.sha256(pixels.data).hexdigest() != about["sha256"]:
        raise ValueError(f"{path} is damaged")
    first, images = 0, []

    def following(shape: Sequence[int]) -> Pixels:
        nonlocal first
        first += prod(shape)
        return pixels[first - prod(shape) : first].reshape(shape)

    for name, hr, lr, sha256, weight, corners, *more in about["images"]:
        high = following(hr)
        own = following(lr) if lr else None
        images.append(Image(name, high, own, sha256, weight, tuple(corners), *more))
    return Dataset(about["name"], about["split"], tuple(images), about["manifest"])
