"""Each variant beside its width-matched twin: is it the block, or only the size?

Both are variants of the study with verdicts of their own against the baseline. Their difference is
taken here, paired by seed; it is secondary, with an interval and without a verdict.
"""

from __future__ import annotations

from srbench.analysis.effects import Effect, paired_effect
from srbench.analysis.phrases import quantity
from srbench.analysis.ranking import effect_decimals
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, of_variants, scores_by_seed, text, trained
from srbench.core.numbers import plural, shown


def beside_twins(results: Results) -> tuple[tuple[str, str, Effect], ...]:
    """(variant, twin, variant - twin) of all that have a common finished seed, in study order."""
    scores, of = scores_by_seed(results), results.facts.twins
    pairs = [(of[twin], twin) for twin in trained(results) if of.get(twin) in scores]
    found = [(own, twin, paired_effect(own, scores[own], scores[twin])) for own, twin in pairs]
    return tuple(row for row in found if row[2].pairs)


def twins_text(results: Results) -> tuple[str, ...]:
    """A sentence for each variant that has a twin: what it gains beyond its size."""
    return tuple(_sentence(results, *row) for row in beside_twins(results))


def _sentence(results: Results, own: str, twin: str, effect: Effect) -> str:
    sizes = of_variants(results, "parameters")
    size, other = (f"{number(sizes[name]):,.0f}" for name in (own, twin))
    change = text(of_variants(results, "change").get(twin)).partition(",")[0]
    message = f"{own} ({size} parameters) minus its twin, {results.facts.baseline} with {change} "
    message += f"({other}): {quantity(results, effect.mean, signed=True)} "
    count = plural(effect.pairs, "seed")
    if effect.low != effect.low:
        return f"{message}({count}, no interval)."
    d = effect_decimals(results)
    message += f"(95 % interval {shown(effect.low, d)} to {shown(effect.high, d)}, {count})"
    if not effect.excludes_zero:
        return f"{message}; they do not differ significantly: size alone may explain its effect."
    is_better = (effect.mean > 0) != results.facts.lower_is_better
    verdict = "it gains more than its size explains" if is_better else "the size alone does better"
    return f"{message}; {verdict}."
