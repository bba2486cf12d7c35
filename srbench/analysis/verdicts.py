"""From the scores of a study to one of four verdicts for every contrast.

Each contrast is tested twice: for a difference, and against +-min_effect for equivalence. Holm's
correction holds the error of each family of tests at 5 %; equivalence takes precedence. A
`Verdict` holds what the report shows of an effect; `decide` is the same decision for arrays with
leading axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from srbench.analysis.effects import (
    Interval,
    Pair,
    moderated,
    paired,
    unpaired,
)
from srbench.analysis.power import MoreSeeds, more_seeds
from srbench.analysis.significance import (
    LEAST_SEEDS,
    Better,
    Difference,
    Floats,
    Truths,
    differs,
    half_width,
    holm,
    lies_within,
    permutation,
    sample,
)

FAMILY = 0.05  # error rate of each family: "different", "equivalent"

Word = Literal["helps", "hurts", "equivalent", "unresolved"]
WORDS: dict[int, Word] = {1: "helps", -1: "hurts", 2: "equivalent", 0: "unresolved"}
NONE = -9  # code of a contrast that cannot have a verdict


@dataclass(frozen=True)
class Rules:
    """What decides a study's contrasts, apart from its scores."""

    min_effect: float | None = None  # in the metric's unit; None: nothing is equivalent
    better: Better = "higher"
    paired: bool = False  # by seed, as the study file says
    pairs: tuple[Pair, ...] = ()  # further contrasts, of variants with each other

    def __post_init__(self) -> None:
        if self.min_effect is not None and not self.min_effect > 0:
            raise ValueError(f"min_effect is {self.min_effect}; it must be above 0")

    def contrasts(self, variants: int) -> tuple[Pair, ...]:
        """Every variant against the baseline, the first row; then the pairs."""
        return (*((k, 0) for k in range(1, variants)), *self.pairs)

    def differences(self, scores: Floats) -> Difference:
        """The contrasts of scores (..., variants, seeds), each with its standard error."""
        return (paired if self.paired else unpaired)(scores, self.contrasts(scores.shape[-2]))


@dataclass(frozen=True)
class Decisions:
    """The decision for every contrast as arrays (..., contrasts)."""

    of: Difference
    p: Floats  # two-sided t
    p_holm: Floats
    p_within: Floats  # two one-sided tests against +-min_effect
    p_within_holm: Floats
    code: NDArray[np.int64]  # a key of WORDS, or NONE


@dataclass(frozen=True)
class Verdict:
    """One contrast, the first minus the second, in the metric's unit.

    Intervals and p-values are NaN with too few seeds. `word` is None if there can be no verdict;
    `why` is the reason.
    """

    effect: float
    n: int  # seeds counted; by pairs, those that both sides have
    other: int  # those of the second side
    sd: float  # over seeds, of the first side; by pairs, of the differences
    interval: Interval  # 95 % t
    simultaneous: Interval  # 1 - 0.05/m
    p: float
    p_holm: float
    p_within: float
    p_within_holm: float
    p_permutation: float  # NaN below 6 seeds
    word: Word | None
    why: str  # "" where there is a verdict
    more: MoreSeeds | None  # for "unresolved" with a min_effect, unless by pairs
    identical: bool  # exactly the same score in every seed: the same to the bit


def decide(scores: ArrayLike, rules: Rules) -> Decisions:
    """The decisions on scores (..., variants, seeds), the baseline first; NaN is a missing run."""
    of = rules.differences(np.asarray(scores, dtype=np.float64))
    p, p_within = tests(of, rules)
    p_holm, p_within_holm = holm(p), holm(p_within)
    code = coded(of, p_holm <= FAMILY, p_within_holm <= FAMILY, rules.better)
    return Decisions(of, p, p_holm, p_within, p_within_holm, code)


def tests(of: Difference, rules: Rules) -> tuple[Floats, Floats]:
    """The p-values of no difference, and of a difference of min_effect or more."""
    least = rules.min_effect
    return differs(of), np.full_like(of.mean, np.nan) if least is None else lies_within(of, least)


def coded(of: Difference, different: Truths, within: Truths, better: Better) -> NDArray[np.int64]:
    """Codes of `WORDS` from the tests of both families; equivalence takes precedence."""
    side = np.sign(np.nan_to_num(of.mean)).astype(np.int64) * (1 if better == "higher" else -1)
    code = np.where(within, 2, np.where(different, side, 0))
    return np.where(of.tested, code, NONE)


def verdicts(scores: ArrayLike, rules: Rules) -> tuple[Verdict, ...]:
    """The verdicts of a study from its scores (variants, seeds), the baseline first.

    A value that is not finite marks a missing run. Every planned contrast has a row, even without a
    value, since the families are what was planned.

    Raises:
        ValueError: another shape.
    """
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"scores are (variants, seeds), not an array of shape {x.shape}")
    found, contrasts = decide(x, rules), rules.contrasts(len(x))
    of, m = found.of, max(len(contrasts), 1)
    single, family = half_width(of, FAMILY), half_width(of, FAMILY / m)
    sds = sample([x[i] - x[j] if rules.paired else x[i] for i, j in contrasts]).sd
    spreads = np.sqrt(moderated(sample(x).sd ** 2, sample(x).n)[0])
    rows = []
    for k, (i, j) in enumerate(contrasts):
        mean, n = float(of.mean[k]), int(of.n[k])
        word = WORDS.get(int(found.code[k]))
        more = None
        one, least = float(spreads[i]), rules.min_effect
        if word == "unresolved" and least is not None and one > 0 and not rules.paired:
            ratio = round(float(spreads[j]) / one, 2)
            more = more_seeds(mean / one, least / one, (n, int(of.other[k])), m, ratio)
        rows.append(
            Verdict(
                effect=mean,
                n=n,
                other=int(of.other[k]),
                sd=float(sds[k]),
                interval=Interval.around(mean, float(single[k]), n),
                simultaneous=Interval.around(mean, float(family[k]), n),
                p=float(found.p[k]),
                p_holm=float(found.p_holm[k]),
                p_within=float(found.p_within[k]),
                p_within_holm=float(found.p_within_holm[k]),
                p_permutation=permutation(x[i], x[j], by_pairs=rules.paired),
                word=word,
                why="" if word else _why(of, k),
                more=more,
                identical=bool(of.equal[k]) and not np.nan_to_num(x[i] - x[j]).any(),
            )
        )
    return tuple(rows)


def _why(of: Difference, k: int) -> str:
    """Why there is no verdict."""
    n, other = int(of.n[k]), int(of.other[k])
    if n < LEAST_SEEDS:
        return f"{n} of the {LEAST_SEEDS} seeds that a verdict needs"
    if other < LEAST_SEEDS:
        return f"the baseline has {other} of the {LEAST_SEEDS} seeds that a verdict needs"
    # Equal differences mean that the seeds had no influence: they replicate one training.
    return "every seed gives the same difference, so the spread over seeds is unknown"
