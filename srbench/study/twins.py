"""Width-matched twins: the baseline, widened until it costs as much as a variant.

A variant that adds parameters may be better for their number and not for what it is. Beside it
stands the baseline at the width whose count of parameters or MACs comes nearest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from srbench.analysis.capacity import MULTIPLES, twin
from srbench.core.errors import StudyError
from srbench.core.registry import Choice
from srbench.measure.cost import Cost
from srbench.study.criteria import Match
from srbench.study.read import Study
from srbench.study.tree import Variant

NEAR = 0.01  # a variant whose cost is within 1 % of the baseline's needs no twin
WIDEST = 4  # times the baseline's width


def twins(study: Study, cost: Callable[[Choice], Cost]) -> dict[str, Variant]:
    """Variant's name -> its twin, for the study's `match`; empty without one.

    Raises:
        StudyError: the baseline has no such width, or no width can be built.
    """
    match = study.match
    if match is None:
        return {}
    baseline = next(v for v in study.variants if v.role == "baseline")
    own = _amount(cost(baseline.tree.model), match)
    found = {}
    for variant in study.variants:
        if variant.role == "variant" and (not match.of or variant.name in match.of):
            target = _amount(cost(variant.tree.model), match)
            if match.of or abs(target / own - 1) > NEAR:
                found[variant.name] = _twin(variant, baseline, target, match, cost)
    return found


def _twin(
    variant: Variant, baseline: Variant, target: float, match: Match, cost: Callable[[Choice], Cost]
) -> Variant:
    width = dict(baseline.tree.leaves()).get(match.setting)
    if type(width) is not int:
        says = f"the baseline has no width {match.setting!r}: name it as setting"
        raise StudyError(says, ("match",))

    def of(width: int) -> float:
        return _amount(cost(baseline.tree.set(match.setting, width).model), match)

    problem: Exception | None = None
    for multiple in MULTIPLES:
        try:
            found = twin(of, target, 1, WIDEST * width, multiple)
        except (ValueError, RuntimeError, TypeError) as failed:
            problem = failed
            continue
        change = f"{match.setting}: {found.width}, for the {match.by} of {variant.name}"
        return replace(
            baseline,
            name=f"{variant.name} twin",
            role="twin",
            twin_of=variant.name,
            tree=baseline.tree.set(match.setting, found.width),
            change=f"{change} ({found.mismatch:+.2%})",
        )
    raise StudyError(f"no twin of {variant.name}: {problem}", ("match",))


def _amount(cost: Cost, match: Match) -> float:
    return float(cost.parameters if match.by == "params" else cost.macs_720p)
