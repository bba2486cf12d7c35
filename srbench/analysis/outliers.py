"""Runs that lie far from the other seeds of their variant, named and never left out.

A run's studentised residual: its distance from the mean of its variant's other runs, in pooled
standard deviations of all other runs, has a t distribution if all variants have one spread (Cook
and Weisberg, 1982). Where the variant's other runs spread more than all, theirs counts, so that a
noisy variant is no collection of outliers. The farthest run is set aside and the next one tested,
so that several do not hide each other (generalised ESD: Rosner, 1983), each at 5 % over all runs
(Bonferroni).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr

from srbench.analysis.significance import Floats

LEVEL = 0.05
MOST = 5  # at most every fifth run can be an outlier


@dataclass(frozen=True)
class Outlier:
    """A run far from the others of its variant."""

    variant: str
    seed: int
    distance: float  # from the mean of the variant's other runs, in the metric's unit
    p: float  # over all runs of the study


def outliers(scores: Mapping[str, Mapping[int, float]]) -> tuple[Outlier, ...]:
    """The outliers among the scores by variant and seed, the farthest first."""
    runs = [(v, seed) for v, known in scores.items() for seed in known]
    places = {variant: place for place, variant in enumerate(scores)}
    group = np.array([places[variant] for variant, _ in runs], dtype=np.int64)
    x = np.array([scores[variant][seed] for variant, seed in runs], dtype=np.float64)
    left = np.arange(len(runs))
    found: list[Outlier] = []
    beyond = 0
    for _ in range(len(runs) // MOST):
        t, distance, freedom = _studentised(x[left], group[left], len(places))
        if freedom < 1 or not t.any():
            break
        k = int(np.argmax(t))
        p = min(1.0, 2 * float(stdtr(freedom, -t[k])) * len(left))
        variant, seed = runs[left[k]]
        found.append(Outlier(variant, seed, float(distance[k]), p))
        beyond = len(found) if p <= LEVEL else beyond
        left = np.delete(left, k)
    # One that is hidden by another has the p of the step at which both are found.
    return tuple(
        replace(one, p=min(other.p for other in found[k:beyond]))
        for k, one in enumerate(found[:beyond])
    )


def _studentised(x: Floats, group: np.ndarray, groups: int) -> tuple[Floats, Floats, int]:
    """|t| of every run, its distance from the others of its group, degrees of freedom.

    Zero for the runs of a group with fewer than three.
    """
    count = np.bincount(group, minlength=groups)
    sums = np.bincount(group, x, groups)
    residual = x - (sums / np.maximum(count, 1))[group]
    whole = float((residual**2).sum())
    n = count[group]
    freedom = len(x) - int((count > 0).sum()) - 1
    usable = n >= 3
    distance = np.where(usable, residual * n / np.maximum(n - 1, 1), 0.0)
    without = distance * residual  # what the squares lose without the run
    own = np.bincount(group, residual**2, groups)[group] - without
    pooled = np.maximum(whole - without, 0.0) / max(freedom, 1)
    rest = np.maximum(pooled, own / np.maximum(n - 2, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(distance) / np.sqrt(rest * n / np.maximum(n - 1, 1))
    return np.where(usable & (distance != 0), np.nan_to_num(t, posinf=0.0), 0.0), distance, freedom
