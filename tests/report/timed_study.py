"""SYNTHETIC times: networks of given ratios on a machine of given noise, beside any results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from srbench.analysis.results import LATENCY, PASSES, Results


def timed(
    results: Results,
    ratios: Mapping[str, float],
    *,
    noise: float = 0.004,
    rounds: int = 60,
    quantity: str = "latency",
    precision: str = "fp32",
    warnings: tuple[str, ...] = (),
) -> Results:
    """The same study with one more pass; the first of `ratios` is the baseline, timed twice."""
    rng = np.random.default_rng(len(results.passes))
    number = len(results.passes) + 1
    row = (
        number, quantity, "Some Processor", 2, 64, 64, 1, precision, "contiguous", "eager", 1,
        results.facts.name, True, json.dumps(warnings), 12.5, "2030-01-02T03:10:00Z",
    )  # fmt: skip
    pace = 20 * np.exp(np.cumsum(rng.normal(0, 0.03, rounds)))
    subjects = [(name, 0, ratio) for name, ratio in ratios.items()] + [(next(iter(ratios)), 1, 1.0)]
    samples = []
    for turn in range(rounds):
        for place, (name, copy, ratio) in enumerate(subjects):
            ms = pace[turn] * ratio * np.exp(rng.normal(0, noise))
            samples.append((number, name, copy, turn, place, ms, 0.0, 3 * ms))
    return replace(
        results,
        passes=_more(results.passes, [row], PASSES),
        latency=_more(results.latency, samples, LATENCY),
    )


def _more(frame: pd.DataFrame, rows: list[tuple[object, ...]], names: tuple[str, ...],
          ) -> pd.DataFrame:  # fmt: skip
    added = pd.DataFrame(rows, columns=list(names))
    return pd.concat([frame, added], ignore_index=True) if len(frame) else added
