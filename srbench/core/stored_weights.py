"""Weights that a run has left: read only where they are still what it left."""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors.torch
from torch import Tensor

from srbench.core.errors import InputError


def stored_weights(file: Path, sha256: str | None) -> dict[str, Tensor]:
    """Tensors by name.

    Raises:
        InputError: the file cannot be read, or its SHA-256 is not the one that is stored.
    """
    try:
        content = file.read_bytes()
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror}", place=str(file)) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError("is not what the run left: its SHA-256 is another", place=str(file))
    return safetensors.torch.load(content)
