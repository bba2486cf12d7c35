"""What qualifies the evidence: late changes, failed controls, convergence, stale runs.

A label must stand wherever the numbers it concerns are quoted.
"""

from __future__ import annotations

from dataclasses import dataclass

from srbench.analysis.convergence import moving, plateaus, ranking_settled, tolerance_text
from srbench.analysis.judgement import Judged, control_outcome, judgement, without_outliers
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import best_interpolation, cells, left_out, scores_by_seed
from srbench.analysis.search_results import search_failure
from srbench.core.numbers import listed, p_value, plural, with_unit


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
    out += [Label("check the images", sentence) for sentence in results.facts.overlaps]
    outcomes = [control_outcome(control) for control in judgement(results).controls]
    out += [Label("control failed", says) for outcome, says in outcomes if outcome == "failed"]
    if results.facts.synthetic:
        out.append(Label("synthetic", "these numbers come from made-up data, not from photographs"))
    if results.facts.steps == 0:
        out.append(Label("random weights", "the networks were scored without training"))
    unconverged = _still_moving(results) or _below_interpolation(results)
    out += [Label("unconverged", unconverged)] if unconverged else []
    out += [Label("outlier", _outliers(results))] if judgement(results).outliers else []
    if left_out(results):
        out.append(Label("flat images", left_out_text(results)))
    stale = sum(cell.stale for cell in cells(results))
    if stale:
        says = f"{plural(stale, 'run')} used source code that has since changed"
        says += f" ({changed})" if (changed := results.facts.changed_parts) else ""
        out.append(Label("stale", says))
    return tuple(out)


def left_out_text(results: Results) -> str:
    """Which images means leave out, and by which metrics."""
    metrics: dict[str, list[str]] = {}
    for (metric, dataset), (images, count) in left_out(results).items():
        named = [*images[:3], *([f"{len(images) - 3} more"] if images[3:] else [])]
        where = f"{len(images)} of {plural(count, 'image')} of {dataset} ({listed(named)})"
        metrics.setdefault(where, []).append(results.facts.heading(metric))
    return "; ".join(
        f"{where} left out of means of {listed(names)}: reproduced exactly, the score is infinite"
        for where, names in metrics.items()
    )


def _outliers(results: Results) -> str:
    """Which runs lie far from the other seeds of their variant, and what they decide."""
    found, unit = judgement(results), results.facts.unit
    named = [
        f"seed {one.seed} of {one.variant} lies {with_unit(f'{abs(one.distance):.3g}', unit)} "
        f"{'below' if one.distance < 0 else 'above'} the mean of its other seeds "
        f"({p_value(one.p)} over all runs)"
        for one in found.outliers
    ]
    it = "that run" if len(named) == 1 else "those runs"
    other = without_outliers(results)
    changed = [
        f"{b.variant} {_is(b)} (it {_is(a)})"
        for a, b in zip(
            (*found.contrasts, *found.pairs), (*other.contrasts, *other.pairs), strict=True
        )
        if a.word != b.word
    ]
    without = f"without {it}, {listed(changed)}" if changed else f"no verdict depends on {it}"
    return f"{listed(named)}; {without}"


def _is(judged: Judged) -> str:
    if judged.word in ("helps", "hurts"):
        return str(judged.word)
    return f"is {judged.word}" if judged.word else "has no verdict"


def _still_moving(results: Results) -> str:
    """How many curves were still moving; "" where none was."""
    still, found = moving(results), plateaus(results)
    if not still:
        return ""
    says = (
        f"{len(still)} of {plural(len(found), 'variant')} would still change by more than "
        f"{tolerance_text(results)} in {results.facts.heading()} on validate over another third "
        "of training"
    )
    ranking = ranking_settled(results)
    if ranking is None:
        return says
    settled = "not settled" if ranking.settled_from is None else "settled"
    return f"{says}; their order had {settled}"


def _below_interpolation(results: Results) -> str:
    """Which interpolation every trained variant still scores worse than; "" for none."""
    known = best_interpolation(results)
    means = [sum(s.values()) / len(s) for s in scores_by_seed(results).values() if s]
    if known is None or not means:
        return ""
    name, level = known
    sign = results.facts.sign
    if max(sign * mean for mean in means) >= sign * level:
        return ""
    return f"no variant has reached {name} interpolation, which needs no training"
