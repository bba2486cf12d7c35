"""Seeds until decided: looks fixed in advance, the error spent over them, each contrast's state.

Each contrast has an error of 0.05/m for "different" and 0.05/m for "equivalent" (no Holm:
contrasts stop at different looks). Both are spent over the looks, as nominal p-values of the
ordinary t tests. A decided contrast does not change its verdict; only the others get more seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from srbench.analysis.effects import Interval
from srbench.analysis.significance import (
    LEAST_SEEDS,
    Better,
    Sample,
    differs,
    half_width,
    lies_within,
    sample,
)
from srbench.analysis.spending import LOOKS, one_sided, two_sided
from srbench.analysis.verdicts import FAMILY, NONE, WORDS, Word, coded

State = Literal["decided", "continue", "unresolved"]


@dataclass(frozen=True)
class Schedule:
    """The looks of a study with m contrasts, and the nominal p-values of each."""

    looks: tuple[int, ...]
    contrasts: int
    different: tuple[float, ...]  # nominal two-sided p of the t test
    within: tuple[float, ...]  # nominal p of the two one-sided tests


@dataclass(frozen=True)
class Look:
    """One contrast at one look; "unresolved" where neither p is at most its nominal p."""

    seeds: int  # of the look
    n: int  # finished pairs: fewer where a training failed
    effect: float
    repeated: Interval  # repeated confidence interval: 1 - 0.05/m over all looks
    p: float
    nominal: float
    p_within: float
    nominal_within: float
    word: Word | None  # None below 3 pairs, or without any spread


@dataclass(frozen=True)
class Course:
    """One contrast from its first look to the one that decided it, or to the last one taken.

    "continue" needs the seeds up to `next_look`; "unresolved" has had every look.
    """

    state: State
    word: Word | None  # of the last look taken; None before the first
    next_look: int | None
    looks: tuple[Look, ...]  # the looks taken


@dataclass(frozen=True)
class Sequential:
    """All contrasts of a study with seeds until decided."""

    schedule: Schedule
    rows: tuple[Course, ...]


def schedule(contrasts: int, looks: tuple[int, ...] = LOOKS) -> Schedule:
    """The nominal p-values of every look.

    Raises:
        ValueError: unless looks rise from 3 or more.
    """
    if not looks or looks[0] < LEAST_SEEDS:
        raise ValueError(f"looks are {list(looks)}; the first needs {LEAST_SEEDS} seeds")
    level = FAMILY / max(contrasts, 1)
    return Schedule(tuple(looks), contrasts, two_sided(looks, level), one_sided(looks, level))


def decide_looks(
    differences: ArrayLike, min_effect: float | None, better: Better, plan: Schedule
) -> NDArray[np.int64]:
    """The decision of each look by itself: codes (looks, ..., contrasts) of `verdicts.WORDS`.

    The first look whose code is not 0 decides. Differences (..., contrasts, seeds) are in the order
    in which seeds are added, as many as the last look has.
    """
    x = np.asarray(differences, dtype=np.float64)
    return np.stack([_judged(x, k, min_effect, better, plan).code for k in range(len(plan.looks))])


def sequential(
    differences: ArrayLike,
    min_effect: float | None,
    better: Better = "higher",
    looks: tuple[int, ...] = LOOKS,
    lost: ArrayLike | None = None,
) -> Sequential:
    """The state of each contrast: differences (contrasts, seeds), variant - baseline.

    Seeds are in the order in which they are added. NaN is a missing pair, and `lost` (same shape)
    is true where it will stay missing (failed, diverged). A look is taken once each of its pairs
    has finished or is lost. Pairs after the deciding look change nothing.
    """
    x = np.asarray(differences, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"differences are (contrasts, seeds), not an array of shape {x.shape}")
    gone = np.zeros(x.shape, bool) if lost is None else np.asarray(lost, dtype=bool)
    if gone.shape != x.shape:
        raise ValueError(f"lost has shape {gone.shape}, differences {x.shape}")
    plan = schedule(len(x), looks)
    x = np.where(gone, np.nan, x)
    known = np.isfinite(x) | gone
    judged = [_judged(x, k, min_effect, better, plan) for k in range(len(looks))]
    return Sequential(plan, tuple(_course(row, known[row], judged, plan) for row in range(len(x))))


@dataclass(frozen=True)
class _Judged:
    """One look at every contrast."""

    of: Sample
    p: NDArray[np.float64]
    p_within: NDArray[np.float64]
    half: NDArray[np.float64]
    code: NDArray[np.int64]


def _judged(
    x: NDArray[np.float64], k: int, min_effect: float | None, better: Better, plan: Schedule
) -> _Judged:
    of = sample(x[..., : plan.looks[k]])
    p = differs(of)
    p_within = np.full_like(p, np.nan) if min_effect is None else lies_within(of, min_effect)
    code = coded(of, p <= plan.different[k], p_within <= plan.within[k], better)
    return _Judged(of, p, p_within, half_width(of, plan.different[k]), code)


def _course(row: int, known: NDArray[np.bool_], judged: list[_Judged], plan: Schedule) -> Course:
    taken: list[Look] = []
    for k, seeds in enumerate(plan.looks):
        if len(known) < seeds or not known[:seeds].all():
            return Course("continue", taken[-1].word if taken else None, seeds, tuple(taken))
        at = judged[k]
        mean, half, n = float(at.of.mean[row]), float(at.half[row]), int(at.of.n[row])
        code = int(at.code[row])
        taken.append(
            Look(
                seeds=seeds,
                n=n,
                effect=mean,
                repeated=Interval(mean, mean - half, mean + half, n),
                p=float(at.p[row]),
                nominal=plan.different[k],
                p_within=float(at.p_within[row]),
                nominal_within=plan.within[k],
                word=WORDS.get(code),
            )
        )
        if code not in (0, NONE):
            return Course("decided", WORDS[code], None, tuple(taken))
    return Course("unresolved", taken[-1].word, None, tuple(taken))
