"""From seed differences to one of four verdicts for every contrast of a study.

Paired t with Holm for "different", two one-sided tests with a Holm family of their own for
"equivalent", 5 % for each family; equivalence comes first. A `Verdict` holds what the report shows
of an effect; `decide` is the same decision for arrays with leading axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from srbench.analysis.effects import Interval
from srbench.analysis.power import MoreSeeds, more_seeds
from srbench.analysis.significance import (
    LEAST_SEEDS,
    Better,
    Floats,
    Sample,
    differs,
    half_width,
    holm,
    lies_within,
    sample,
    sign_flip,
)

FAMILY = 0.05  # error rate of each family: "different", "equivalent"

Word = Literal["helps", "hurts", "equivalent", "unresolved"]
WORDS: dict[int, Word] = {1: "helps", -1: "hurts", 2: "equivalent", 0: "unresolved"}
NONE = -9  # code of a contrast that cannot have a verdict


@dataclass(frozen=True)
class Decisions:
    """The decision for every contrast as arrays (..., contrasts)."""

    sample: Sample
    p: Floats  # paired t, two-sided
    p_holm: Floats
    p_within: Floats  # two one-sided tests against +-min_effect
    p_within_holm: Floats
    code: NDArray[np.int64]  # a key of WORDS, or NONE


@dataclass(frozen=True)
class Verdict:
    """One contrast: variant - baseline over seeds, in the metric's unit.

    Intervals and p-values are NaN with too few seeds. `word` is None if there can be no verdict;
    `why` is the reason.
    """

    effect: float
    n: int  # pairs
    planned: int  # seeds planned
    sd: float  # of the differences
    interval: Interval  # 95 % t
    simultaneous: Interval  # 1 - 0.05/m
    p: float
    p_holm: float
    p_within: float
    p_within_holm: float
    p_sign_flip: float  # exact; NaN below 6 seeds
    word: Word | None
    why: str  # "" where there is a verdict
    more: MoreSeeds | None  # for "unresolved" with a min_effect
    identical: bool  # every difference is exactly 0: the same to the bit


def decide(differences: ArrayLike, min_effect: float | None, better: Better) -> Decisions:
    """The decisions for differences (..., contrasts, seeds); NaN marks a missing pair."""
    of = sample(differences)
    p = differs(of)
    p_within = np.full_like(p, np.nan) if min_effect is None else lies_within(of, min_effect)
    p_holm, p_within_holm = holm(p), holm(p_within)
    code = coded(of, p_holm <= FAMILY, p_within_holm <= FAMILY, better)
    return Decisions(of, p, p_holm, p_within, p_within_holm, code)


def coded(
    of: Sample, different: NDArray[np.bool_], within: NDArray[np.bool_], better: Better
) -> NDArray[np.int64]:
    """Codes of `WORDS` from the tests of both families; equivalence takes precedence."""
    side = np.sign(np.nan_to_num(of.mean)).astype(np.int64) * (1 if better == "higher" else -1)
    code = np.where(within, 2, np.where(different, side, 0))
    return np.where(of.tested, code, NONE)


def verdicts(
    differences: ArrayLike, min_effect: float | None, better: Better = "higher"
) -> tuple[Verdict, ...]:
    """The verdicts of a study from its differences, variant - baseline: (contrasts, seeds).

    A value that is not finite marks a missing pair; a verdict uses the finished ones. Every planned
    contrast has a row, even without a value, since the families are what was planned. Without a
    `min_effect` (in the metric's unit) nothing is equivalent.

    Raises:
        ValueError: another shape, or a min_effect that is not above 0.
    """
    x = np.asarray(differences, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"differences are (contrasts, seeds), not an array of shape {x.shape}")
    if min_effect is not None and not min_effect > 0:
        raise ValueError(f"min_effect is {min_effect}; it must be above 0")
    found = decide(x, min_effect, better)
    m = len(x)
    single, family = half_width(found.sample, FAMILY), half_width(found.sample, FAMILY / max(m, 1))
    rows = []
    for k, row in enumerate(x):
        there = row[np.isfinite(row)]
        mean, n, sd = float(found.sample.mean[k]), len(there), float(found.sample.sd[k])
        word = WORDS.get(int(found.code[k]))
        unresolved = word == "unresolved" and min_effect is not None
        rows.append(
            Verdict(
                effect=mean,
                n=n,
                planned=len(row),
                sd=sd,
                interval=_around(mean, float(single[k]), n),
                simultaneous=_around(mean, float(family[k]), n),
                p=float(found.p[k]),
                p_holm=float(found.p_holm[k]),
                p_within=float(found.p_within[k]),
                p_within_holm=float(found.p_within_holm[k]),
                p_sign_flip=sign_flip(there),
                word=word,
                why=_why(n) if word is None else "",
                more=more_seeds(sd, n, min_effect, m) if unresolved and min_effect else None,
                identical=bool(n > 0 and not there.any()),
            )
        )
    return tuple(rows)


def _around(mean: float, half: float, n: int) -> Interval:
    return Interval(mean, mean - half, mean + half, n)


def _why(n: int) -> str:
    """Why there is no verdict."""
    if n < LEAST_SEEDS:
        return f"{n} of the {LEAST_SEEDS} seeds that a verdict needs"
    # Equal differences mean that the seeds had no influence: they replicate one training.
    return "every seed gives the same difference, so the spread over seeds is unknown"
