"""The error that each look at growing data may spend: Lan and DeMets' O'Brien-Fleming function.

Boundaries follow from integrating the density of the running sum over the continuation region
(Armitage, McPherson and Rowe, 1969) on Gauss-Legendre nodes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, roots_legendre

Floats = NDArray[np.float64]

LOOKS = (3, 5, 8, 12, 20)
_NODES, _WEIGHTS = roots_legendre(256)
_FAR = 9.0  # standard deviations beyond which the normal density is negligible


def spent(share: float, level: float) -> float:
    """One-sided error spent at this share of the information (Lan and DeMets, 1983)."""
    return 2 * float(ndtr(float(ndtri(level / 2)) / share**0.5))


def two_sided(looks: tuple[int, ...], level: float) -> tuple[float, ...]:
    """Nominal two-sided p of each look, for an error of `level` over all looks.

    `looks` are numbers of seeds; the last has all the information. A result is significant at a
    look if its ordinary p is at most this. Half the level is spent on each side.
    """
    return tuple(2 * float(ndtr(-z)) for z in boundaries(looks, level))


def one_sided(looks: tuple[int, ...], level: float) -> tuple[float, ...]:
    """Nominal one-sided p of each look; both one-sided tests of an equivalence use it."""
    return tuple(float(ndtr(-z)) for z in _solve(_checked(looks), level, symmetric=False))


def boundaries(looks: tuple[int, ...], level: float) -> tuple[float, ...]:
    """Critical |z| at each look, two-sided: 4.877, 3.357, 2.680, 2.290, 2.031 for five equal looks
    at 5 %."""
    return _solve(_checked(looks), level / 2, symmetric=True)


def _checked(looks: tuple[int, ...]) -> tuple[int, ...]:
    found = tuple(int(n) for n in looks)
    if not found or found[0] < 1 or list(found) != sorted(set(found)):
        raise ValueError(f"looks are {list(looks)}; they must be rising numbers of seeds")
    return found


@lru_cache(maxsize=256)
def _solve(looks: tuple[int, ...], level: float, symmetric: bool) -> tuple[float, ...]:
    """Upper boundaries that spend a one-sided `level`; symmetric: also the lower ones."""
    from scipy.optimize import brentq  # late: 0.3 s

    found: list[float] = []
    sums, density = np.zeros(1), np.ones(1)  # nodes of the running sum and their weights: all at 0
    before = used = 0.0
    for n in looks:
        share = n / looks[-1]
        step = (share - before) ** 0.5
        target = spent(share, level) - used

        def crossing(
            z: float,
            target: float = target,
            share: float = share,
            step: float = step,
            sums: Floats = sums,
            density: Floats = density,
        ) -> float:
            tail = float((density * ndtr((sums - z * share**0.5) / step)).sum())
            return float(np.log(max(tail, 1e-320)) - np.log(target))

        # Below 1e-300 there is nothing to spend: no result of this look can be significant.
        z = float(brentq(crossing, -8.0, 38.0, xtol=1e-12)) if target > 1e-300 else 37.0
        found.append(z)
        top = min(z, _FAR) * share**0.5
        bottom = -top if symmetric else -_FAR * share**0.5
        grid = (top - bottom) / 2 * _NODES + (top + bottom) / 2
        kernel = np.exp(-(((grid[:, None] - sums) / step) ** 2) / 2) / (step * (2 * np.pi) ** 0.5)
        density = (kernel * density).sum(axis=1) * _WEIGHTS * (top - bottom) / 2
        sums, before, used = grid, share, spent(share, level)
    return tuple(found)
