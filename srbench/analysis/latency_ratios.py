"""Times by round: ratios to a baseline, what the control says of them, and when it is enough.

A ratio is the median over rounds of (variant / baseline) of the same round, with a percentile
bootstrap interval: the one that claims over latency rest on. The control is the baseline measured
a second time in every round: what it is off from 1 is what this machine cannot resolve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from srbench.analysis.claims_readings import LEAST_ROUNDS, ByRound

DRIFT = 0.02  # a round in which the baseline is off by more is flagged
QUIET = 0.01  # a machine is quiet where the control is within 1.00 +- this
LOST = 0.02  # a sample in which other processes took more of the time was disturbed
Word = Literal["slower", "faster", "same", "unresolved"]


@dataclass(frozen=True)
class Ratio:
    """A time over the baseline's: median over rounds and 95 % interval, NaN below 20 rounds."""

    value: float
    low: float
    high: float
    rounds: int

    @property
    def half(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2

    @property
    def off(self) -> float:
        """How far from 1 the interval reaches: what it leaves possible."""
        return max(abs(self.low - 1), abs(self.high - 1)) if self.low == self.low else inf


@dataclass(frozen=True)
class Spread:
    """Times of one network: median and the tenth and ninetieth percentile, in ms."""

    median: float
    p10: float
    p90: float


def ratio(times: ArrayLike, baseline: ArrayLike) -> Ratio:
    """The ratio of two series of one round each; a round that either lacks (NaN) is left out."""
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
    """Which rounds saw the baseline more than 2 % off its median."""
    known = np.asarray(baseline, dtype=np.float64)
    found: NDArray[np.bool_] = np.abs(known / np.median(known) - 1) > DRIFT
    return found


def is_quiet(control: Ratio) -> bool:
    """Whether the baseline against itself came out as 1.00 within 0.01."""
    return control.off <= QUIET


def word(found: Ratio, control: Ratio) -> Word:
    """What may be said of a ratio, beside what the control was off.

    A difference is told where the whole interval lies beyond what the control was off; sameness
    where it lies within that, or within 1 %; else nothing is.
    """
    within = max(control.off, QUIET)
    if found.low != found.low or control.off == inf:
        return "unresolved"
    if found.low > 1 + control.off:
        return "slower"
    if found.high < 1 - control.off:
        return "faster"
    return "same" if found.off <= within else "unresolved"


def enough(times: Mapping[str, Sequence[float]], baseline: Sequence[float], narrow: float) -> bool:
    """Whether every ratio's interval has shrunk to +- `narrow` of it."""
    if len(baseline) < LEAST_ROUNDS:
        return False
    return all(
        found.half <= narrow * found.value
        for found in (ratio(series, baseline) for series in times.values())
    )
