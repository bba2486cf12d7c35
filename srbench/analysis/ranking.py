"""The order of the variants, the digits of the study, and the words for a missing number.

All tables and figures share these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.results import Results, StudyFacts
from srbench.analysis.run_matrix import Cell, trained
from srbench.core.numbers import justified_decimals
from srbench.core.table import Mark, Value

MOST_DRAWN = 60  # variants in one figure; even, as it is shared between best and worst


@lru_cache(maxsize=8)
def ranked(results: Results) -> Sequence[Judged]:
    """Contrasts, best first; those without a number last, in study order."""
    return best_first(judgement(results).contrasts, results)


@lru_cache(maxsize=8)
def in_figures(results: Results) -> Sequence[Judged]:
    """The contrasts that figures show, best first: all, or of too many the two ends."""
    rows = ranked(results)
    if len(rows) <= MOST_DRAWN:
        return rows
    known = [e for e in rows if e.seeds]
    return [*known[: MOST_DRAWN // 2], *known[MOST_DRAWN // 2 :][-(MOST_DRAWN // 2) :]]


def drawn_names(results: Results) -> list[str]:
    """The trained variants that figures show, in study order: baseline and controls too."""
    left_out = {e.variant for e in ranked(results)} - {e.variant for e in in_figures(results)}
    return [name for name in trained(results) if name not in left_out]


def drawn_text(results: Results) -> str:
    """Which variants figures and terminal show; "" where they show all."""
    every, shown = len(ranked(results)), len(in_figures(results))
    if shown == every:
        return ""
    high = min(shown, MOST_DRAWN // 2)
    return (
        f"Of {every:,} variants, the {high} best and the {shown - high} worst by effect are shown; "
        "effects.csv has all."
    )


def best_first(rows: Sequence[Judged], results: Results) -> list[Judged]:
    """Judged contrasts sorted by effect, those without a number last."""
    sign = results.facts.sign
    known = [e for e in rows if e.seeds]
    unknown = [e for e in rows if not e.seeds]
    return [*sorted(known, key=lambda e: (-sign * e.mean, e.variant)), *unknown]


@lru_cache(maxsize=8)
def effect_decimals(results: Results) -> int:
    """Decimals that the intervals of this study's effects justify."""
    halves = [(e.high - e.low) / 2 for e in judgement(results).contrasts]
    return justified_decimals(halves, results.facts.unit)


def metric_title(facts: StudyFacts) -> str:
    """The primary metric with its unit, for an axis."""
    name = facts.heading()
    return f"{name}, {facts.unit}" if facts.unit else name


def states_of(rows: list[Cell]) -> str:
    """What became of a variant's planned runs: "3 done", "2 done, 1 failed (diverged)"."""
    counts = Counter(f"{c.state} ({c.reason})" if c.reason else c.state for c in rows)
    return ", ".join(f"{counts[w]} {w}" for w in sorted(counts, key=lambda w: (w != "done", w)))


def why_missing(rows: list[Cell]) -> Mark:
    """The mark for a number that cannot be given because runs did not finish."""
    missing = [cell for cell in rows if not cell.scored]
    if not missing:
        return Mark("no pair", "no seed that both this variant and the baseline have finished")
    first = missing[0]
    says = f"{states_of(rows)}; seed {first.seed}: {first.message or first.reason or first.state}"
    return Mark(first.lacks, says)


def known_or_mark(value: float) -> Value:
    """The value, or a mark that it was not measured."""
    return value if value == value else Mark("missing", "not measured")


def mean_of(values: list[float]) -> float:
    """The mean of the values that are there; NaN without any."""
    known = [v for v in values if v == v]
    return sum(known) / len(known) if known else float("nan")
