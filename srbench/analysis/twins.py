"""Each variant against its width-matched twin: the effect of the block without that of size.

Both are variants of the study with verdicts of their own against the baseline. Their difference is
taken here; it is secondary, with an interval and without a verdict.
"""

from __future__ import annotations

from srbench.analysis.effects import Interval, difference
from srbench.analysis.phrases import effect_text
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import number, of_variants, scores_by_seed, text, trained
from srbench.core.numbers import listed


def beside_twins(results: Results) -> tuple[tuple[str, str, Interval], ...]:
    """(variant, twin, variant - twin) of all that have finished runs, in study order."""
    scores, of = scores_by_seed(results), results.facts.twins
    pairs = [(of[twin], twin) for twin in trained(results) if of.get(twin) in scores]
    found = [(own, twin, difference(scores[own], scores[twin])) for own, twin in pairs]
    return tuple(row for row in found if row[2].count)


def twins_text(results: Results) -> tuple[str, ...]:
    """A sentence for each variant that has a twin: what it gains beyond its size."""
    return tuple(_sentence(results, *row) for row in beside_twins(results))


def twins_named(results: Results) -> str:
    """What the twins are, with the setting that differs; "" where there are none."""
    changes = of_variants(results, "change")
    named = [f"{twin} ({text(changes.get(twin))})" for twin in results.facts.twins]
    is_base = f"{'is' if len(named) == 1 else 'are'} the baseline at another width"
    return f"{listed(named)} {is_base}." if named else ""


def _sentence(results: Results, own: str, twin: str, effect: Interval) -> str:
    sizes = of_variants(results, "parameters")
    size, other = (f"{number(sizes[name]):,.0f}" for name in (own, twin))
    change = text(of_variants(results, "change").get(twin)).partition(",")[0]
    message = f"{own} ({size} parameters) minus its twin, {results.facts.baseline} with {change} "
    message += f"({other}): {effect_text(results, effect)}"
    if effect.count < 2:
        return f"{message}."
    if not effect.excludes_zero:
        return f"{message}; they do not differ significantly: size alone may explain its effect."
    is_better = results.facts.sign * effect.mean > 0
    verdict = "it gains more than its size explains" if is_better else "the size alone does better"
    return f"{message}; {verdict}."
