"""When a run that trains `until: converged` ends: the test of one curve, after each validation.

It decides how long such runs are, so a change of it changes what a stored run stands for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from srbench.analysis.agreement import ranks
from srbench.analysis.significance import Floats

WINDOW = 1 / 3  # of the points, at the end
LEAST_POINTS = 10  # in the window


def has_converged(values: ArrayLike, tolerance: float) -> bool:
    """Whether a curve would change by less than the tolerance over another third of its length.

    Values are over epochs, equally spaced; NaN points are left out. The slope of the last third is
    Theil and Sen's median of pairwise slopes. Its 95 % interval is Sen's (1968); the variance of
    Kendall's S is inflated by the autocorrelation of the detrended values (as Yue and Wang, 2004,
    but never deflated, and corrected for the bias of short series). The whole interval must lie
    within the tolerance, so that noise alone does not count as convergence. In simulations without
    a trend it covers 0 in 91-96 % for lag-one autocorrelations up to 0.6 and windows of 10 to 100
    points. The test is repeated after every validation, so it sometimes stops a run too early.
    """
    y = np.asarray(values, dtype=np.float64)
    tail = y[len(y) - round(len(y) * WINDOW) :]
    at = np.flatnonzero(np.isfinite(tail)).astype(np.float64)
    tail = tail[np.isfinite(tail)]
    if len(tail) < LEAST_POINTS:
        return False
    low, high = slope_interval(tail, at)
    length = float(at[-1] - at[0])
    return -tolerance <= low * length and high * length <= tolerance


def slope_interval(y: Floats, at: Floats) -> tuple[float, float]:
    """Sen's 95 % interval of the slope of y (points,) at rising positions."""
    i, j = np.triu_indices(len(y), 1)
    slopes = np.sort((y[j] - y[i]) / (at[j] - at[i]))
    inflation = _inflation(y - float(np.median(slopes)) * at)
    half = float(-ndtri(0.025)) * (_variance_of_s(y) * inflation) ** 0.5
    low = slopes[max(round((len(slopes) - half) / 2), 0)]
    high = slopes[min(round((len(slopes) + half) / 2), len(slopes)) - 1]
    return float(low), float(high)


def _variance_of_s(x: Floats) -> float:
    """Variance of Kendall's S under no trend, with ties (Kendall, 1975)."""
    n = len(x)
    ties = np.unique(x, return_counts=True)[1]
    return float(n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18


def _inflation(residuals: Floats) -> float:
    """Variance of a mean of a first-order autoregression over that of independent values.

    The lag-one autocorrelation r of the ranks is corrected for detrending, (n r + 2)/(n - 6), and
    clipped to 0 and 0.95.
    """
    n = len(residuals)
    centred = ranks(residuals) - (n + 1) / 2
    power = float((centred**2).sum())
    if power == 0:
        return 1.0
    r = float((centred[1:] * centred[:-1]).sum()) / power
    r = min(max((n * r + 2) / (n - 6), 0.0), 0.95)
    return (1 + r) / (1 - r)
