"""Weights that a run has left: read only where they are still what it left."""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors.torch
from torch import Tensor

from srbench.core.registry import StudyError


def stored_weights(file: Path, sha256: str | None) -> dict[str, Tensor]:
    """Tensors by name.

    Raises:
        StudyError: the file cannot be read, or its SHA-256 is not the one that is stored.
    """
    try:
        content = file.read_bytes()
    except OSError as problem:
        raise StudyError(f"cannot be read: {problem.strerror}", place=str(file)) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StudyError("is not what the run left: its SHA-256 is another", place=str(file))
    return safetensors.torch.load(content)
