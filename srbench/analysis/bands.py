"""Bands over seeds along a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

BandKind = Literal["t", "range", "none"]


@dataclass(frozen=True)
class Band:
    """Mean over seeds with a band: 95 % t from 3 seeds on, min to max for 2, none for 1."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    kind: BandKind


def band(values: ArrayLike) -> Band:
    """The band of values (seeds, points); NaN marks a point missing in a seed."""
    x = np.atleast_2d(np.asarray(values, dtype=np.float64))  # (seeds, points)
    count = np.isfinite(x).sum(axis=0)  # (points,)
    safe = np.where(np.isfinite(x), x, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, safe.sum(axis=0) / count, np.nan)
    seeds = x.shape[0]
    if seeds < 2:
        return Band(mean, mean, mean, "none")
    if seeds == 2:
        low = np.where(np.isfinite(x), x, np.inf).min(axis=0)
        high = np.where(np.isfinite(x), x, -np.inf).max(axis=0)
        return Band(
            mean, np.where(count > 0, low, np.nan), np.where(count > 0, high, np.nan), "range"
        )
    squares = (np.where(np.isfinite(x), x - mean, 0.0) ** 2).sum(axis=0)
    enough = count > 1
    freedom = np.where(enough, count - 1, 1)
    half = stdtrit(freedom, 0.975) * np.sqrt(squares / freedom / np.maximum(count, 1))
    half = np.where(enough, half, 0.0)
    return Band(mean, mean - half, mean + half, "t")
