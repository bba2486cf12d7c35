"""Checkpoints that survive a kill, a torn write and a rotten disk.

Written whole or not at all, a SHA-256 at the end; two are stored, and the older one serves when the
newer is damaged. A damaged one is named in a warning and not used.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from srbench.core.errors import first_line
from srbench.core.files import disk_errors, write_atomically

KEPT = 2
_SUFFIX = ".checkpoint"
_DIGEST = hashlib.sha256().digest_size


def save(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write the state after `step` steps, then drop all but the newest two.

    Raises:
        DiskError: names the file; what was there before is still there.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    path = folder / f"{step:010d}{_SUFFIX}"
    write(path, payload + hashlib.sha256(payload).digest())
    return path


def write(path: Path, content: bytes) -> None:
    """Write a checkpoint's file, then drop all but the newest two; errors as of `save`."""
    write_atomically(path, content)
    for old in _newest_first(path.parent)[KEPT:]:
        with disk_errors(old):
            old.unlink(missing_ok=True)


def is_one(name: str) -> bool:
    """Whether a file of this name is a checkpoint."""
    return name.endswith(_SUFFIX)


def newest(folder: Path) -> str:
    """The name of the newest checkpoint in a folder; empty where there is none."""
    return next((path.name for path in _newest_first(folder)), "")


def warn(text: str) -> None:
    """One line on the error stream, which a worker shares with its conductor."""
    print(f"srbench: warning: {text}", file=sys.stderr, flush=True)


def load_newest(
    folder: Path, device: torch.device, say: Callable[[str], None] = warn
) -> dict[str, Any] | None:
    """The newest undamaged state in the folder, or None; `say` gets a line for each damaged one."""
    for path in _newest_first(folder):
        try:
            return _load(path, device)
        except (MemoryError, torch.OutOfMemoryError):
            raise  # the file may be well
        except Exception as problem:  # of torch, zip or pickle: whatever it is, it is no state
            first = first_line(problem)
            say(f"{path}: the checkpoint is damaged ({first}); going on from an older state")
    return None


def discard(folder: Path) -> None:
    """Remove the checkpoints of a run that needs them no more; one that stays does no harm."""
    for path in _newest_first(folder):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _load(path: Path, device: torch.device) -> dict[str, Any]:
    raw = path.read_bytes()
    payload, digest = raw[:-_DIGEST], raw[-_DIGEST:]
    if hashlib.sha256(payload).digest() != digest:
        raise ValueError("its SHA-256 is another")
    state = torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    if not isinstance(state, dict):
        raise ValueError("it holds no state")
    return state


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{_SUFFIX}"), reverse=True)
