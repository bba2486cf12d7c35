"""The permutation test of a difference of means: runs change sides (Fisher, 1935).

It agrees with `scipy.stats.permutation_test`, which takes 0.5 s to import and draws the same
divisions anew for each contrast.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, product
from math import comb, nan

import numpy as np
from numpy.typing import NDArray

from srbench.analysis.significance import RESAMPLES, Floats, Truths

PERMUTED_FROM = 6  # seeds; fewer rarely reach a small p
TOLERANCE = 100 * float(np.finfo(np.float64).eps)  # of the difference: less is rounding


def permutation(a: Floats, b: Floats, *, by_pairs: bool) -> float:
    """Two-sided p of the difference of means when runs change sides.

    Exact up to 9,999 ways to divide the runs, else from as many drawn ones; NaN below 6 seeds.
    """
    if by_pairs:
        d = (a - b)[np.isfinite(a - b)]
        if len(d) < PERMUTED_FROM:
            return nan
        return _two_sided(np.where(_swaps(len(d)), -d, d).mean(axis=1), d.mean())
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if min(len(a), len(b)) < PERMUTED_FROM:
        return nan
    both = np.concatenate([a, b])[_orders(len(a), len(b))]  # (divisions, runs)
    null = both[:, : len(a)].mean(axis=1) - both[:, len(a) :].mean(axis=1)
    return _two_sided(null, a.mean() - b.mean())


def _two_sided(null: Floats, found: float) -> float:
    """The p of a difference among those of other divisions; drawn ones do not include it."""
    near, drawn = TOLERANCE * abs(found), int(len(null) == RESAMPLES)
    fewer = min(int((null <= found + near).sum()), int((null >= found - near).sum()))
    return min(1.0, 2 * (fewer + drawn) / (len(null) + drawn))


@lru_cache(maxsize=16)
def _orders(first: int, second: int) -> NDArray[np.int64]:
    """(divisions, runs): every division into groups of these sizes, or drawn ones."""
    n = first + second
    if comb(n, first) <= RESAMPLES:
        every = [(set(own), set(range(n)) - set(own)) for own in combinations(range(n), first)]
        return np.array([[*own, *others] for own, others in every])
    rng = np.random.default_rng(0)
    return np.array([rng.permutation(n) for _ in range(RESAMPLES)])


@lru_cache(maxsize=16)
def _swaps(pairs: int) -> Truths:
    """(divisions, pairs): which pairs change sides, in every way or in drawn ones."""
    if 2**pairs <= RESAMPLES:
        return np.array(list(product((False, True), repeat=pairs)))
    sides = np.tile([0, 1], (RESAMPLES, pairs, 1))
    return np.asarray(np.random.default_rng(0).permuted(sides, axis=-1)[..., 0] == 1)
