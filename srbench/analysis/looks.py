"""Seeds until decided: looks fixed in advance, an equal share of the error for each.

At every look Holm's correction runs over all contrasts at 5 % divided by the number of looks
(Bonferroni over looks). A contrast that was found different stays so, and its share of the error
goes to the others (Holm with looks: Ye, Li, Liu and Yao, 2013). A decided contrast gets no more
seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from srbench.analysis.effects import Interval
from srbench.analysis.power import baseline_seeds
from srbench.analysis.significance import LEAST_SEEDS, Difference, Floats, Truths, half_width, holm
from srbench.analysis.verdicts import FAMILY, NONE, WORDS, Rules, Word, coded, tests

LOOKS = (3, 5, 8, 12, 20)

State = Literal["decided", "continue", "unresolved"]


@dataclass(frozen=True)
class Schedule:
    """The looks of a study with so many variants, and the error that each may spend."""

    looks: tuple[int, ...]
    contrasts: int

    def __post_init__(self) -> None:
        if not self.looks or self.looks[0] < LEAST_SEEDS:
            found = list(self.looks)
            raise ValueError(f"looks are {found}; the first needs {LEAST_SEEDS} seeds")

    @property
    def level(self) -> float:
        """Error rate of each family at one look."""
        return FAMILY / len(self.looks)

    @property
    def baseline(self) -> tuple[int, ...]:
        """The baseline's seeds at each look."""
        return tuple(baseline_seeds(seeds, self.contrasts) for seeds in self.looks)


@dataclass(frozen=True)
class Look:
    """One contrast at one look; "unresolved" where neither p is at most its level."""

    seeds: int  # of the look
    n: int  # finished ones: fewer where a training failed
    repeated: Interval  # repeated confidence interval: over all contrasts and looks
    p: float  # of a difference, after Holm
    p_within: float  # of equivalence, after Holm
    level: float  # of the look, for both
    word: Word | None  # None below 3 seeds, or without any spread


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
class AtLook:
    """All contrasts (..., contrasts) at one look."""

    of: Difference
    p: Floats  # after Holm over all contrasts
    p_within: Floats
    half: Floats  # of the repeated interval
    code: NDArray[np.int64]  # of this look; one that is decided keeps its code
    decided: Truths  # by an earlier look


def each_look(scores: ArrayLike, rules: Rules, plan: Schedule) -> list[AtLook]:
    """Every look in turn: scores (..., variants, seeds), the baseline first.

    Seeds are in the order in which they are added, as many as the last look has of the baseline.
    Seeds of a variant that were added after it was decided count for nothing.
    """
    x = np.array(scores, dtype=np.float64)
    at = np.arange(x.shape[-1])
    code = np.zeros((*x.shape[:-2], x.shape[-2] - 1), dtype=np.int64)
    stopped = np.zeros(code.shape, dtype=np.int64)  # seeds of the look that decided
    found = []
    for seeds, base in zip(plan.looks, plan.baseline, strict=True):
        decided = ~np.isin(code, (0, NONE))
        count = np.concatenate(
            [np.full((*code.shape[:-1], 1), base), np.where(decided, stopped, seeds)], axis=-1
        )
        of = rules.differences(np.where(at < count[..., None], x, np.nan))
        p, p_within = tests(of, rules)
        p = np.where(decided, np.where(code == 2, 1.0, 0.0), p)
        p_within = np.where(decided, np.where(code == 2, 0.0, 1.0), p_within)
        p, p_within = holm(p), holm(p_within)
        new = coded(of, p <= plan.level, p_within <= plan.level, rules.better)
        code = np.where(decided, code, new)
        stopped = np.where(~decided & ~np.isin(code, (0, NONE)), seeds, stopped)
        half = half_width(of, plan.level / max(plan.contrasts, 1))
        found.append(AtLook(of, p, p_within, half, code, decided))
    return found


def sequential(
    scores: ArrayLike, rules: Rules, looks: Sequence[int] = LOOKS, lost: ArrayLike | None = None
) -> tuple[Course, ...]:
    """The state of each contrast: scores (variants, seeds), the baseline first.

    Seeds are in the order in which they are added. NaN is a missing run, and `lost` (same shape)
    is true where it will stay missing (failed, diverged). A look is taken once every run that it
    asks for has finished or is lost.
    """
    x = np.asarray(scores, dtype=np.float64)
    gone = np.zeros(x.shape, bool) if lost is None else np.asarray(lost, dtype=bool)
    plan = Schedule(tuple(looks), len(x) - 1)
    more = plan.baseline[-1] - x.shape[1]
    x = np.pad(np.where(gone, np.nan, x), ((0, 0), (0, max(more, 0))), constant_values=np.nan)
    known = np.isfinite(x) | np.pad(gone, ((0, 0), (0, max(more, 0))))
    taken: list[tuple[int, AtLook]] = []
    for seeds, base, judged in zip(
        plan.looks, plan.baseline, each_look(x, rules, plan), strict=True
    ):
        waiting = known[1:][~judged.decided, :seeds]
        if judged.decided.all() or not (known[0, :base].all() and waiting.all()):
            break
        taken.append((seeds, judged))
    return tuple(_course(k, taken, plan) for k in range(len(x) - 1))


def _course(k: int, taken: list[tuple[int, AtLook]], plan: Schedule) -> Course:
    looks: list[Look] = []
    for seeds, at in taken:
        if at.decided[k]:
            break
        mean, half, n = float(at.of.mean[k]), float(at.half[k]), int(at.of.n[k])
        looks.append(
            Look(
                seeds=seeds,
                n=n,
                repeated=Interval.around(mean, half, n),
                p=float(at.p[k]),
                p_within=float(at.p_within[k]),
                level=plan.level,
                word=WORDS.get(int(at.code[k])),
            )
        )
    word = looks[-1].word if looks else None
    if word not in (None, "unresolved"):
        return Course("decided", word, None, tuple(looks))
    if len(taken) < len(plan.looks):
        return Course("continue", word, plan.looks[len(taken)], tuple(looks))
    return Course("unresolved", word, None, tuple(looks))
