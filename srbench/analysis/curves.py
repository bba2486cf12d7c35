"""Curves as arrays: their names, the seeds of a variant on one axis, and bands over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from srbench.analysis.metric_names import FOLLOWED, VALIDATE, metric_facts
from srbench.analysis.results import Results, StudyFacts
from srbench.analysis.significance import Floats, half_width, sample


@lru_cache(maxsize=8)
def curve_names(results: Results) -> list[str]:
    """Names of the stored curves: the primary metric on validate first, then the loss."""
    found = set(map(str, results.curves["name"].unique()))
    primary = results.facts.metric
    return sorted(found, key=lambda n: (primary not in n, "loss" not in n, "step" in n, n))


def curve_title(name: str, facts: StudyFacts) -> str:
    """A curve's name for people: "validate/psnr_y" is "PSNR-Y on validate, dB"."""
    if name.startswith(VALIDATE):
        metric = name.removeprefix(VALIDATE)
        unit = facts.unit_of(metric)
        return f"{facts.heading(metric)} on validate" + (f", {unit}" if unit else "")
    known = {
        "loss": "training loss, mean of an epoch",
        "loss_step": "training loss, step by step",
        "lr": "learning rate",
        "gradient_norm": "gradient norm",
    }
    return known.get(name, name.replace("_", " ").replace("/", ", "))


def watched(facts: StudyFacts) -> str:
    """The curve on `validate` that shows a training: the primary outcome's where it has one."""
    own = metric_facts(facts.metric, facts.metric_facts)
    return f"{VALIDATE}{facts.metric}" if own.validate and "=" not in facts.metric else FOLLOWED


@dataclass(frozen=True)
class Curve:
    """One stored curve of a study: its lines by variant and seed, on one kind of axis."""

    name: str
    axis: str  # epoch | step
    lines: Mapping[tuple[str, int], tuple[Floats, Floats]]

    def over_seeds(self, variant: str, seeds: Sequence[int]) -> tuple[Floats, Floats]:
        """(points,) positions and (seeds, points) values; NaN where a seed has no point.

        Seeds that have no such curve are left out, so there may be no row at all.
        """
        found = [self.lines[variant, seed] for seed in seeds if (variant, seed) in self.lines]
        if not found:
            return np.empty(0), np.empty((0, 0))
        x = np.unique(np.concatenate([at for at, _ in found]))  # (points,)
        values = np.full((len(found), len(x)), np.nan)
        for row, (at, y) in enumerate(found):
            values[row, np.searchsorted(x, at)] = y
        return x, values


@lru_cache(maxsize=8)  # half a second for a thousand runs
def read_curve(results: Results, name: str) -> Curve:
    """A curve by name; what is not finite becomes NaN, several points at one place their mean."""
    frame = results.curves[results.curves["name"] == name]
    axis = "epoch" if len(frame) and bool(frame["epoch"].notna().all()) else "step"
    at = frame[axis].to_numpy(dtype=np.float64)
    value = frame["value"].to_numpy(dtype=np.float64)
    value = np.where(np.isfinite(value), value, np.nan)
    lines = {}
    places: Mapping[Any, Any] = frame.groupby(["variant", "seed"], sort=True).indices
    for (variant, seed), rows in places.items():
        lines[str(variant), int(seed)] = _line(at[rows], value[rows])
    return Curve(name, axis, lines)


def _line(at: Floats, y: Floats) -> tuple[Floats, Floats]:
    if bool((at[1:] > at[:-1]).all()):
        return at, y
    x, places = np.unique(at, return_inverse=True)
    return x, np.bincount(places, y) / np.bincount(places)


def thinned(count: int, most: int) -> NDArray[np.int64]:
    """Indices of at most `most` of `count` points, evenly, with both ends."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))


@dataclass(frozen=True)
class Band:
    """Mean over seeds with a band: 95 % t from 3 seeds on, min to max for 2, none for 1."""

    mean: Floats
    low: Floats
    high: Floats
    kind: Literal["t", "range", "none"]


def band(values: ArrayLike) -> Band:
    """The band of values (seeds, points); NaN marks a point missing in a seed."""
    x = np.atleast_2d(np.asarray(values, dtype=np.float64))  # (seeds, points)
    of = sample(x.T)
    if len(x) < 2:
        return Band(of.mean, of.mean, of.mean, "none")
    if len(x) == 2:
        return Band(of.mean, np.fmin.reduce(x), np.fmax.reduce(x), "range")
    half = np.nan_to_num(half_width(of, 0.05))
    return Band(of.mean, of.mean - half, of.mean + half, "t")
