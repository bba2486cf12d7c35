"""What quality is set against: the costs that a variant may be drawn by, as intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import nan

from srbench.analysis.effects import Interval, t_interval
from srbench.analysis.latency import timings
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import cells, number, of_variants, trained

COSTS = {
    "parameters": "parameters",
    "macs_720p": "MACs at HR 1280\u00d7720",
    "latency": "latency, ms",
    "peak_memory_mb": "peak memory, MB",
}


def spaced(
    levels: Mapping[str, float], scores: Sequence[Mapping[int, float]]
) -> list[tuple[str, float, int]]:
    """Reference lines from below, with how far their labels step aside of close ones below."""
    seen = [*levels.values(), *(x for by_seed in scores for x in by_seed.values())]
    near = 0.06 * (max(seen) - min(seen)) if seen else 0.0
    out: list[tuple[str, float, int]] = []
    for name, level in sorted(levels.items(), key=lambda item: (item[1], item[0])):
        close = bool(out) and level - out[-1][1] < near
        out.append((name, level, out[-1][2] + 1 if close else 0))
    return out


@lru_cache(maxsize=16)
def costs_of(results: Results, cost: str) -> Mapping[str, Interval]:
    """A cost by variant as an interval: one value for counts, over seeds for what is measured."""
    if cost == "latency":
        known = {timing.variant: timing.ms for timing in timings(results, "latency")}
        nothing = Interval(nan, nan, nan, 0)
        return {name: known.get(name, nothing) for name in trained(results)}
    values: dict[str, list[float]] = {name: [] for name in trained(results)}
    if cost == "peak_memory_mb":
        for cell in cells(results):
            values[cell.variant].append(cell.peak_memory_mb)
    else:
        column = of_variants(results, cost)
        values = {name: [number(column.get(name))] for name in values}
    return {name: t_interval([x for x in known if x > 0]) for name, known in values.items()}
