"""The files of runs that come from another database: weights, pictures, checkpoints."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from srbench.core.files import ASIDE, replacing
from srbench.store.merge_runs import Taken


def bring_files(
    runs: Iterable[Taken], pictures: Sequence[dict[str, Any]], there: Path, here: Path
) -> tuple[int, tuple[str, ...]]:
    """Copy what is not here yet: (number of files copied, those that are named and not there).

    Raises:
        DiskError: this disk takes no more; nothing of the merge is kept.
    """
    if there.resolve() == here.resolve():
        return 0, ()
    wanted: dict[Path, Path] = {}
    missing = []
    for run in runs:
        if run.number is None:
            continue
        weights = None if run.weights is None else there / run.weights
        here_too = here / run.moved(run.weights or "")
        if weights is not None and not any(is_whole(f, run.sha256) for f in (weights, here_too)):
            missing.append(str(run.weights))
        for file in sorted((there / run.there).glob("*")):
            target = here / run.here / file.name
            kept = run.kind == "same" and target.exists()
            damaged = file == weights and not is_whole(file, run.sha256)
            if is_plain(file) and not kept and not damaged and not file.name.endswith(ASIDE):
                wanted[file] = target
    for row in pictures:
        file, target = there / row["was"], here / row["path"]
        if is_plain(file):
            wanted[file] = target
        elif not target.is_file():
            missing.append(str(row["was"]))
    copied = sum(copy(source, target) for source, target in wanted.items())
    return copied, tuple(sorted(set(missing)))


def is_plain(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def is_whole(file: Path, sha256: str | None) -> bool:
    """Whether the file is there and is what the run left."""
    return is_plain(file) and digest(file) == sha256


def copy(source: Path, target: Path) -> bool:
    """Copy a file whole or not at all; False where the same is there."""
    if target.is_file() and digest(target) == digest(source):
        return False
    with source.open("rb") as read, replacing(target) as write:
        shutil.copyfileobj(read, write)
    return True


def digest(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()
