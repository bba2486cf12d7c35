"""The files of runs that come from another database: weights, pictures, checkpoints."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from srbench.core.files import ASIDE, replacing
from srbench.store.merge_runs import Taken


def bring_files(
    runs: Iterable[Taken], pictures: Mapping[str, str], there: Path, here: Path
) -> tuple[int, tuple[str, ...]]:
    """Copy files that are not here: how many, and those that rows name and the folder lacks.

    Raises:
        DiskError: this disk is full or refuses; the merge changes nothing then.
    """
    if there.resolve() == here.resolve():
        return 0, ()
    wanted: dict[Path, Path] = {}
    missing = set()
    for run in runs:
        if run.kind == "waiting":
            continue
        damaged = None
        if run.weights and not is_whole(there / run.weights, run.sha256):
            damaged = there / run.weights
            if not is_whole(here / run.moved(run.weights), run.sha256):
                missing.add(run.weights)
        for file in sorted((there / run.there).glob("*")):
            target = here / run.here / file.name
            known = run.kind == "same" and target.exists()
            if is_plain(file) and not known and file != damaged and not file.name.endswith(ASIDE):
                wanted[file] = target
    for path, moved in pictures.items():
        if is_plain(there / path):
            wanted[there / path] = here / moved
        elif not (here / moved).is_file():
            missing.add(path)
    copied = sum(copy(source, target) for source, target in wanted.items())
    return copied, tuple(sorted(missing))


def is_plain(file: Path) -> bool:
    """Whether this is a file and no link to one."""
    return file.is_file() and not file.is_symlink()


def is_whole(file: Path, sha256: str | None) -> bool:
    """Whether the file is what the run has written."""
    return is_plain(file) and digest(file) == sha256


def copy(source: Path, target: Path) -> bool:
    """Copy a file whole or not at all; False where the same is there."""
    if target.is_file() and digest(target) == digest(source):
        return False
    with source.open("rb") as read, replacing(target) as write:
        shutil.copyfileobj(read, write)
    return True


def digest(file: Path) -> str:
    """The file's SHA-256."""
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()
