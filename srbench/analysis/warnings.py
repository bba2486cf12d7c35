"""In what condition the evidence is: edited, controls failed, synthetic, converged or not, stale.

A label must stand wherever the numbers it concerns are quoted.
"""

from __future__ import annotations

from dataclasses import dataclass

from srbench.analysis.convergence import moving, plateaus, ranking_settled, tolerance_text
from srbench.analysis.judgement import control_outcome, judgement
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import best_interpolation, cells, scores_by_seed, text
from srbench.analysis.search_results import search_failure
from srbench.core.numbers import plural


@dataclass(frozen=True)
class Label:
    """A word that qualifies every number of the page, and the sentence that explains it."""

    word: str
    says: str


def labels(results: Results) -> tuple[Label, ...]:
    """The labels that apply to this study, gravest first."""
    out: list[Label] = []
    if failure := search_failure(results):
        says = f"{failure}, so nothing was confirmed; narrow the space and run the study again"
        out.append(Label("search failed", says))
    if results.facts.later:
        out.append(Label("changed after results", results.facts.later.rstrip(".")))
    for control in judgement(results).controls:
        outcome, says = control_outcome(control)
        if outcome == "failed":
            out.append(Label("control failed", says))
    if _mentions(results, "synthetic"):
        out.append(Label("synthetic", "these numbers come from made-up data, not from photographs"))
    if _mentions(results, "random weights") or results.facts.steps == 0:
        out.append(Label("random weights", "the networks were scored without training"))
    out += _unconverged(results)
    stale = sum(cell.stale for cell in cells(results))
    if stale:
        out.append(
            Label("stale", f"{plural(stale, 'run')} used source code that has since changed")
        )
    return tuple(out)


def _unconverged(results: Results) -> list[Label]:
    still, found = moving(results), plateaus(results)
    if still:
        name, ranking = results.facts.heading(), ranking_settled(results)
        says = (
            f"{len(still)} of {plural(len(found), 'variant')} would still change by more than "
            f"{tolerance_text(results)} in {name} on validate over another third of training"
        )
        if ranking is not None:
            settled = ranking.settled_from is not None
            says += f"; their order had {'settled' if settled else 'not settled'}"
        return [Label("unconverged", says)]
    below = _below_interpolation(results)
    if below is not None:
        says = f"no variant has reached {below}, which needs no training"
        return [Label("unconverged", says)]
    return []


def _below_interpolation(results: Results) -> str | None:
    """The interpolation that every trained variant still scores worse than, if there is one."""
    known = best_interpolation(results)
    means = [sum(s.values()) / len(s) for s in scores_by_seed(results).values() if s]
    if known is None or not means:
        return None
    name, level = known
    worse = min(means) > level if results.facts.lower_is_better else max(means) < level
    return f"{name} interpolation" if worse else None


def _mentions(results: Results, word: str) -> bool:
    """Whether a dataset is named so, or a note of the study opens with the word."""
    facts = results.facts
    if any(note.lower().startswith(word) for note in facts.notes):
        return True
    places = [facts.dataset, str(facts.data), *(text(name) for name in results.datasets["name"])]
    return any(word in place.lower() for place in places)
