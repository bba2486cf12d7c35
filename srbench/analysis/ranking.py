"""The order of the variants, the digits of the study, and the words for a missing number.

All tables and figures share these.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from srbench.analysis.judgement import Judged, judgement
from srbench.analysis.results import Results, StudyFacts
from srbench.analysis.run_matrix import Cell, cells, trained
from srbench.core.numbers import justified_decimals
from srbench.core.table import Mark, Value


def ranked(results: Results) -> list[Judged]:
    """Contrasts, best first; those without a number last, in study order."""
    return best_first(judgement(results).contrasts, results)


def best_first(rows: Sequence[Judged], results: Results) -> list[Judged]:
    """Judged contrasts sorted by effect, those without a number last."""
    sign = -1.0 if judgement(results).better == "higher" else 1.0
    known = [e for e in rows if e.pairs]
    unknown = [e for e in rows if not e.pairs]
    return [*sorted(known, key=lambda e: (sign * e.mean, e.variant)), *unknown]


def effect_decimals(results: Results) -> int:
    """Decimals that the intervals of this study's effects justify."""
    halves = [(e.high - e.low) / 2 for e in judgement(results).contrasts]
    return justified_decimals(halves, results.facts.unit)


def metric_title(facts: StudyFacts) -> str:
    """The primary metric with its unit, for an axis."""
    name = facts.heading()
    return f"{name}, {facts.unit}" if facts.unit else name


@lru_cache(maxsize=8)
def by_variant(results: Results) -> dict[str, list[Cell]]:
    """Planned cells by variant, in study order."""
    out: dict[str, list[Cell]] = {name: [] for name in trained(results)}
    for cell in cells(results):
        out[cell.variant].append(cell)
    return out


def states_of(rows: list[Cell]) -> str:
    """What became of a variant's planned runs: "3 done", "2 done, 1 failed (diverged)"."""
    counts: dict[str, int] = {}
    for cell in rows:
        word = f"{cell.state} ({cell.reason})" if cell.reason else cell.state
        counts[word] = counts.get(word, 0) + 1
    order = sorted(counts, key=lambda word: (word != "done", word))
    return ", ".join(f"{counts[word]} {word}" for word in order)


def why_missing(rows: list[Cell]) -> Mark:
    """The mark for a number that cannot be given because runs did not finish."""
    missing = [cell for cell in rows if cell.score != cell.score]
    if not missing:
        return Mark("no pair", "no seed that both this variant and the baseline have finished")
    first = missing[0]
    says = f"{states_of(rows)}; seed {first.seed}: {first.message or first.reason or first.state}"
    return Mark("not scored" if first.state == "done" else first.state, says)


def known_or_mark(value: float) -> Value:
    """The value, or a mark that it was not measured."""
    return value if value == value else Mark("missing", "not measured")


def mean_of(values: list[float]) -> float:
    """The mean of the values that are there; NaN without any."""
    known = [v for v in values if v == v]
    return sum(known) / len(known) if known else float("nan")
