"""Checkpoints that survive a kill, a torn write and a rotten disk.

Written aside, flushed, renamed, the folder flushed, a SHA-256 at the end; two are kept, and the
older one serves when the newer is damaged.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import torch

KEPT = 2
_SUFFIX = ".checkpoint"


def save(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write the state after `step` steps, then drop all but the newest two.

    Raises:
        OSError: the disk refuses; what was there before is still there.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    path = folder / f"{step:010d}{_SUFFIX}"
    write_atomically(path, payload + hashlib.sha256(payload).digest())
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def load_newest(folder: Path, device: torch.device) -> dict[str, Any] | None:
    """The newest undamaged state in the folder, or None."""
    for path in _newest_first(folder):
        raw = path.read_bytes()
        payload, digest = raw[:-32], raw[-32:]
        if hashlib.sha256(payload).digest() == digest:
            state: dict[str, Any] = torch.load(
                io.BytesIO(payload), map_location=device, weights_only=True
            )
            return state
    return None


def discard(folder: Path) -> None:
    """Remove the checkpoints of a run that needs them no more."""
    for path in _newest_first(folder):
        path.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that after a crash it is there whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{_SUFFIX}"), reverse=True)
