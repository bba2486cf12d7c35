"""The answer in words, made from the verdicts: every number from rows.

The first sentence gives the best variant in full, with interval, seeds, p and cost; the next one
the rest, grouped by verdict; then whether its lead is real, what interpolation reaches, and which
runs are missing.
"""

from __future__ import annotations

from collections import Counter

from srbench.analysis.convergence import collapsed
from srbench.analysis.limits import labels
from srbench.analysis.phrases import quantity
from srbench.analysis.ranking import mean_of, ranked
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import (
    best_interpolation,
    cells,
    compared,
    interpolation_scores,
    scores_by_seed,
)
from srbench.analysis.search_results import search_failure
from srbench.analysis.verdict_sentences import verdict_sentences
from srbench.core.numbers import listed, plural


def answer(results: Results) -> str:
    """What the verdicts say, what interpolation reaches, which runs collapsed or are missing."""
    nothing = _nothing_to_say(results)
    message = (
        [nothing] if nothing else [*verdict_sentences(results), _against_interpolation(results)]
    )
    return " ".join(s for s in (*message, _collapsed(results), _missing(results)) if s)


def warnings(results: Results) -> tuple[str, ...]:
    """What must be read before the answer, gravest first, one sentence each."""
    return tuple(f"{label.word.capitalize()}: {label.says}." for label in labels(results))


def _nothing_to_say(results: Results) -> str:
    facts, rows = results.facts, cells(results)
    scores = scores_by_seed(results)
    done = [c for c in rows if c.state == "done"]
    if not rows:
        return "No answer: the plan has no run."
    if not done:
        if all(c.state == "failed" for c in rows):
            runs = "the only run" if len(rows) == 1 else f"all {len(rows)} runs"
            return f"No answer: {runs} failed ({_reasons(results)})."
        return f"No answer yet: none of {plural(len(rows), 'run')} has finished."
    if not scores.get(facts.baseline):
        return (
            f"No answer yet: the baseline {facts.baseline} has no scored run, "
            "so no effect can be computed."
        )
    if not compared(results):
        mean = quantity(results, mean_of(list(scores[facts.baseline].values())))
        count = plural(len(scores[facts.baseline]), "seed")
        if failure := search_failure(results):
            return f"No answer: {failure}. The baseline {facts.baseline} has {mean} ({count})."
        return (
            f"The study has only its baseline, {facts.baseline}: {mean} ({count}). "
            "There is nothing to compare it with."
        )
    if not any(e.seeds for e in ranked(results)):
        return "No answer yet: no variant has a scored run."
    return ""


def _against_interpolation(results: Results) -> str:
    found = best_interpolation(results)
    known = [e for e in ranked(results) if e.seeds]
    if found is None or not known:
        return ""
    name, level = found
    best = known[0].variant
    base, sign = results.facts.baseline, results.facts.sign
    means = {name: mean_of(list(known.values())) for name, known in scores_by_seed(results).items()}
    top = best if sign * means[best] >= sign * means[base] else base
    gap = means[top] - level
    side = "above" if gap >= 0 else "below"
    reach = quantity(results, abs(gap))
    return f"{top} ends {reach} {side} {name} interpolation ({quantity(results, level)})."


def interpolation_note(results: Results) -> str:
    """The line under the forest plot: what the interpolations score, without training."""
    known = interpolation_scores(results)
    message = [f"{name} {quantity(results, value)}" for name, value in known.items()]
    return f"Without training: {', '.join(message)}." if message else ""


def _collapsed(results: Results) -> str:
    found = [
        f"{variant} in {below} of {plural(of, 'run')}"
        for variant, (below, of) in collapsed(results).items()
        if below
    ]
    if not found:
        return ""
    return f"Ended below the score of one flat colour: {listed(found)}."


def _missing(results: Results) -> str:
    rows = cells(results)
    counts = Counter(cell.lacks for cell in rows if not cell.scored)
    if not counts or not any(cell.state == "done" for cell in rows):
        return ""
    message = [
        f"{n} failed ({_reasons(results)})"
        if state == "failed"
        else f"{n} {'is' if n == 1 else 'are'} {state}"
        for state, n in sorted(counts.items())
    ]
    return f"Of {plural(len(rows), 'planned run')}, {listed(message)}."


def _reasons(results: Results) -> str:
    """Why runs failed: "diverged", or "2 diverged, 1 oom"."""
    counts = Counter(c.reason or "error" for c in cells(results) if c.state == "failed")
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{n} {reason}" for reason, n in sorted(counts.items()))


def failures_heading(results: Results) -> str:
    """How many planned runs gave no score."""
    rows = cells(results)
    missing = [cell for cell in rows if not cell.scored]
    if not missing:
        return f"All {plural(len(rows), 'planned run')} finished and were scored"
    return f"{len(missing)} of {plural(len(rows), 'planned run')} gave no score"
