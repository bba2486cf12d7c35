"""Images made of numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Save = Callable[..., Path]


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    """Every pixel drawn by itself: the hardest content for a resizer."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def waves(height: int, width: int) -> Pixels:
    """Smooth content, as in a photograph."""
    i, j, c = np.mgrid[0:height, 0:width, 0:3]
    return np.round(127 + 90 * np.sin(i / 5 + c) * np.cos(j / 7 - c)).astype(np.uint8)
