"""Ratios of times to a baseline, the A/A noise of a machine, and when there are enough rounds.

A ratio is the median over rounds of variant / baseline within a round, with a percentile bootstrap
interval; claims about latency use the same one. The control is the baseline measured a second time
in every round (A/A): how far its ratio may lie from 1 is the noise that no ratio can resolve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from srbench.analysis.claims_readings import LEAST_ROUNDS, ByRound

DRIFT = 0.02  # a round is flagged whose baseline differs from the median by more
QUIET = 0.01  # a machine is quiet if the control's interval lies within 1.00 +- this
LOST = 0.02  # a sample was disturbed if other processes took a larger share of the time
Word = Literal["slower", "faster", "same", "unresolved"]


@dataclass(frozen=True)
class Ratio:
    """A time / the baseline's: median over rounds and 95 % interval, NaN below 20 rounds."""

    value: float
    low: float
    high: float
    rounds: int

    @property
    def half(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2

    @property
    def noise(self) -> float:
        """The largest deviation from 1 within the interval; of a control, the A/A noise."""
        return max(abs(self.low - 1), abs(self.high - 1)) if self.low == self.low else inf


@dataclass(frozen=True)
class Spread:
    """Times of one network: median and the tenth and ninetieth percentile, in ms."""

    median: float
    p10: float
    p90: float


def ratio(times: ArrayLike, baseline: ArrayLike) -> Ratio:
    """The ratio of two series over the same rounds; a round missing in either (NaN) is left out."""
    found = np.asarray(times, dtype=np.float64) / np.asarray(baseline, dtype=np.float64)
    found = found[np.isfinite(found)]
    if not found.size:
        return Ratio(nan, nan, nan, 0)
    measured = ByRound(dict(enumerate(found.tolist())))
    low, high = measured.interval if found.size >= LEAST_ROUNDS else (nan, nan)
    return Ratio(measured.value, low, high, int(found.size))


def spread(times: ArrayLike) -> Spread:
    """Median, p10 and p90 of one network's times."""
    known = np.asarray(times, dtype=np.float64)
    low, middle, high = np.nanquantile(known, [0.1, 0.5, 0.9]) if known.size else (nan,) * 3
    return Spread(float(middle), float(low), float(high))


def drifted(baseline: ArrayLike) -> NDArray[np.bool_]:
    """In which rounds the baseline differs from its median by more than 2 %."""
    known = np.asarray(baseline, dtype=np.float64)
    found: NDArray[np.bool_] = np.abs(known / np.median(known) - 1) > DRIFT
    return found


def is_quiet(control: Ratio) -> bool:
    """Whether the A/A noise is at most 1 %."""
    return control.noise <= QUIET


def word(found: Ratio, control: Ratio) -> Word:
    """The verdict on a ratio, given the A/A noise of its control.

    "slower" or "faster" where the whole interval lies outside the noise; "same" where it lies
    within the noise or within 1 %; else "unresolved".
    """
    within = max(control.noise, QUIET)
    if found.low != found.low or control.noise == inf:
        return "unresolved"
    if found.low > 1 + control.noise:
        return "slower"
    if found.high < 1 - control.noise:
        return "faster"
    return "same" if found.noise <= within else "unresolved"


def enough(times: Mapping[str, Sequence[float]], baseline: Sequence[float], narrow: float) -> bool:
    """Whether every ratio's 95 % half-width is at most `narrow` of the ratio."""
    if len(baseline) < LEAST_ROUNDS:
        return False
    return all(
        found.half <= narrow * found.value
        for found in (ratio(series, baseline) for series in times.values())
    )
