"""Where `until: converged` ends a run: a flat curve has converged, a noisy one is inconclusive."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import theilslopes

from srbench.analysis.stopping_rule import has_converged, slope_interval

EPOCHS, NOISE = np.arange(90.0), np.random.default_rng(5).normal(size=90)


@pytest.mark.parametrize(
    ("curve", "converged"),
    [
        (30 - np.exp(-EPOCHS / 8) + 0.002 * NOISE, True),
        (np.full(40, 3.0), True),
        (0.01 * EPOCHS + 0.002 * NOISE, False),
        (-0.01 * EPOCHS + 0.002 * NOISE, False),
        (0.5 * NOISE, False),
        (np.zeros(20), False),  # 7 points in the last third
    ],
)
def test_a_curve_has_converged_where_its_whole_interval_is_small(
    curve: np.ndarray, converged: bool
) -> None:
    assert has_converged(curve, 0.02) is converged


def test_the_change_is_that_of_another_window_whatever_points_are_missing() -> None:
    holes = 0.01 * EPOCHS
    holes[[70, 71, 80]] = math.nan
    for curve in (0.01 * EPOCHS, -0.01 * EPOCHS, holes):  # 29 steps of 0.01 in the last third
        assert has_converged(curve, 0.2901)
        assert not has_converged(curve, 0.2899)


def test_the_interval_is_scipys_where_nothing_is_correlated() -> None:
    rng = np.random.default_rng(5)
    alternating = np.array([1.0, -1.0] * 20) + 0.001 * rng.normal(size=40)
    _, _, low, high = theilslopes(alternating, alpha=0.95)
    assert slope_interval(alternating, np.arange(40.0)) == pytest.approx((low, high), rel=0.05)


@pytest.mark.parametrize(("correlation", "least"), [(0.0, 0.93), (0.6, 0.89)])
def test_a_flat_curve_is_rarely_said_to_move(correlation: float, least: float) -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        noise = rng.normal(size=60)
        for k in range(1, 60):
            noise[k] += correlation * noise[k - 1]
        low, high = slope_interval(noise[40:], np.arange(20.0))
        held += low <= 0 <= high
    assert held / 400 >= least
