"""Weights of frozen networks that others trained: from a file, or from where they publish them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from srbench.core.errors import InputError, first_line
from srbench.core.registry import Slot, settings
from srbench.core.weights import load_weights


class WeightsMissing(InputError):
    """Pretrained weights are not on this machine; the message says where they may be put."""


def from_file(network: str, path: str) -> dict[str, Tensor]:
    """Named tensors of a file; `network` is the name that errors give.

    Raises:
        WeightsMissing: there is no such file; InputError: it holds no weights.
    """
    file = Path(path).expanduser()
    if not file.exists():
        raise WeightsMissing(f"{network}: there is no file {file} (looked from {Path.cwd()})")
    return load_weights(file)


def downloaded(network: str, url: str) -> dict[str, Tensor]:
    """Named tensors of a file in torch's cache, downloaded where the cache lacks it.

    Raises:
        WeightsMissing: it is not in the cache and cannot be downloaded.
    """
    return load_weights(cached_file(network, url))


def cached_file(network: str, url: str) -> Path:
    """A file in torch's cache, downloaded where the cache lacks it.

    A name that ends in the first digits of the file's SHA-256, as torch's own do, is held to them:
    name-1a2b3c4d.pth.

    Raises:
        WeightsMissing: it is not in the cache and cannot be downloaded.
    """
    cached = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not cached.is_file():
        digits = re.search(r"-([0-9a-f]{8,})\.", cached.name)
        try:
            cached.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(
                url, str(cached), digits[1] if digits else None, progress=False
            )
        except (OSError, RuntimeError) as problem:  # no network; a download that is damaged
            raise WeightsMissing(
                f"{network}: {cached.name} is neither in {cached.parent} nor can it be downloaded "
                f"({first_line(problem)}); put it there, or name a path"
            ) from problem
    return cached


def with_random_weights(slot: Slot, name: str) -> Any:
    """A part as a study writes it: its defaults, random weights in place of pretrained ones."""
    hint, _ = settings(slot.parts[name]).get("weights", (None, None))
    return {name: {"weights": "none"}} if hint is str else name
