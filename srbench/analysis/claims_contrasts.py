"""From a comparison of a claim to a contrast: the number that it is about, from the evidence.

The p-values are raw here; `claims.py` adjusts them together and decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import isnan

from srbench.analysis.agreement import spearman
from srbench.analysis.claims_evidence import Evidence, read, way_to_import
from srbench.analysis.claims_findings import Finding, p_values
from srbench.analysis.claims_primary import corrected_for, restated
from srbench.analysis.claims_readings import (
    ByRound,
    BySeed,
    Exact,
    OfStudy,
    Reading,
    RunShare,
    Sampled,
    Unknown,
)
from srbench.analysis.claims_tree import (
    Arithmetic,
    Comparison,
    Happens,
    Inside,
    Leaf,
    Number,
    Quantity,
    Rank,
    Value,
    quantities,
)
from srbench.analysis.claims_vocabulary import TIMINGS, min_effect_of, unit_of
from srbench.core.numbers import plural

MIN_RANKED = 4  # variants that a rank correlation needs
_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "≈": "≈"}


def contrast(test: Leaf, evidence: Evidence) -> Finding:
    """Set a comparison up from the evidence; `why` names what is missing for a decision."""
    gaps = _gaps(test, evidence)
    try:
        match test:
            case Happens():
                found = _happens(test, evidence)
            case Rank():
                found = _rank(test, evidence)
            case Inside():
                found = _inside(test, evidence)
            case Comparison():
                found = _comparison(test, evidence)
    except Unknown as problem:
        return Finding(str(test), why=gaps or str(problem))
    x = found.reading
    if x is None or isinstance(x, OfStudy):
        return found
    if x.count < x.needed:
        few = f"{plural(x.count, x.counted)}; a verdict needs {x.needed}"
        return replace(found, why=gaps or few)
    found = replace(found, why=gaps or _no_spread(test, found))
    if not isinstance(x, Sampled):
        return found
    p, p_inside = p_values(x, found.relation, found.border, found.region)
    times = corrected_for(test, evidence)
    return replace(found, p=min(1.0, times * p), p_inside=min(1.0, times * p_inside))


def _happens(test: Happens, evidence: Evidence) -> Finding:
    share = evidence.events.get((test.event, test.variant), RunShare(0, 0))
    if not share.count:
        raise Unknown(f"no run of {test.variant} shows whether it does")
    return Finding(str(test), "share of runs", reading=share)


def _inside(test: Inside, evidence: Evidence) -> Finding:
    found = _about(test, test.value, read(test.value, evidence), evidence)
    return replace(found, relation="in", region=(test.low.value, test.high.value))


def _comparison(test: Comparison, evidence: Evidence) -> Finding:
    left, right, relation, within = test.left, test.right, test.operator, test.within
    if isinstance(left, Number):
        left, right, relation = right, left, _MIRROR[relation]
    judged = restated(replace(test, operator=relation, left=left, right=right), evidence)
    share = within.value / 100 if within and within.unit == "%" else None
    border, half, value = 0.0, min_effect_of(test, evidence.min_effects), left
    if judged:
        sides = (Quantity(evidence.metric, name) for name in (judged.variant, judged.against))
        value = Arithmetic("-", *sides)
    elif isinstance(right, Number):
        border = right.value
        if border and relation != "≈":
            half = None  # a border that the claim names itself is met as it stands
    elif share is not None or (within is None and _timed(left, right, evidence)):
        border, value = 1.0, Arithmetic("/", left, right)
    else:
        value = Arithmetic("-", left, right)
    if within:
        half = within.value if share is None else share * abs(border)
    found = _about(test, value, judged or read(value, evidence), evidence)
    if relation == "≈" and half is None:
        raise Unknown("≈ needs min_effect or `within`, and there is neither")
    region = None if half is None else (border - half, border + half)
    relation = "in" if relation == "≈" else relation
    return replace(found, relation=relation, border=border, region=region)


def _timed(left: Value, right: Value, evidence: Evidence) -> bool:
    return all(isinstance(read(side, evidence), ByRound) for side in (left, right))


def _about(test: Leaf, value: Value, x: Reading | OfStudy, evidence: Evidence) -> Finding:
    label = str(value)
    if isinstance(x, BySeed):
        for word, limits in (("lower", x.at_least), ("upper", x.at_most)):
            if limits:
                label += f" (a {word} limit in {limits} of {x.count} seeds)"
    return Finding(str(test), label, unit_of(value, evidence.metric_facts) or "", reading=x)


def _rank(test: Rank, evidence: Evidence) -> Finding:
    """Spearman's correlation of each seed's ranking with the other's, then t over seeds."""
    ours = test.quantity or Quantity(evidence.metric, "*", evidence.dataset)
    other = test.other or replace(ours, published=True)
    one, two = _by_variant(ours, evidence), _by_variant(other, evidence)
    both = [v for v in one if v in two]
    if len(both) < MIN_RANKED:
        problem = f"{len(both)} variants have both figures; {MIN_RANKED} are needed"
        raise Unknown(f"{problem}; {way_to_import(evidence)}" if other.published else problem)
    readings = [side[v] for side in (one, two) for v in both]
    sampled = [set(x.values) for x in readings if isinstance(x, Sampled)]
    seeds = set.intersection(*sampled) if sampled else {0}
    if not seeds:
        raise Unknown("no seed has finished in every variant")
    correlations = {}
    for seed in sorted(seeds):
        figures = [x.value if isinstance(x, Exact) else x.values[seed] for x in readings]
        correlations[seed] = spearman(figures[: len(both)], figures[len(both) :])
        if isnan(correlations[seed]):
            raise Unknown("all variants have one and the same figure")
    reading = BySeed(correlations, bounds=(-1.0, 1.0)) if sampled else Exact(correlations[0])
    label = f"Spearman's rank correlation of {ours} with {other}, {len(both)} variants"
    return Finding(str(test), label, relation=">=", border=test.at_least, reading=reading)


def _by_variant(quantity: Quantity, evidence: Evidence) -> Mapping[str, Reading]:
    found: dict[str, Reading] = {}
    for variant in evidence.variants:
        with suppress(Unknown):
            found[variant] = read(replace(quantity, variant=variant), evidence)
    return found


def _gaps(test: Leaf, evidence: Evidence) -> str:
    """Runs that failed or are missing, in words; the runs that remain decide no claim."""
    if isinstance(test, Rank):
        return ""  # variants without figures are left out, and the label counts the others
    words = []
    for name in dict.fromkeys(q.variant for q in quantities(test) if _needs_runs(q, evidence)):
        gaps = sorted(evidence.gaps.get(name, {}).items())
        if gaps:
            words.append(f"{name} lacks {_seeds(gaps)}")
    return "; ".join(words)


def _seeds(gaps: Sequence[tuple[int, str]]) -> str:
    """seed 3 (oom), 4 (diverged); seeds 0 to 30 (queued)."""
    runs: list[tuple[int, int, str]] = []  # first, last, reason
    for seed, why in gaps:
        if runs and (runs[-1][1], runs[-1][2]) == (seed - 1, why):
            runs[-1] = runs[-1][0], seed, why
        else:
            runs.append((seed, seed, why))
    noun = "seed" if len(runs) == len(gaps) else "seeds"
    spans = (f"{a} ({why})" if a == b else f"{a} to {b} ({why})" for a, b, why in runs)
    return f"{noun} {', '.join(spans)}"


def _needs_runs(quantity: Quantity, evidence: Evidence) -> bool:
    counted = (quantity.name, quantity.variant) in evidence.costs
    return not (quantity.published or counted or quantity.name in TIMINGS)


def _no_spread(test: Leaf, found: Finding) -> str:
    """Equal differences other than 0 mean that the seeds replicate one training.

    Ranks and epochs are steps, and may well be equal.
    """
    x = found.reading
    steps = isinstance(test, Rank) or any(q.reaching for q in quantities(test))
    if not isinstance(x, BySeed) or steps or x.spread > 0 or x.value == found.border:
        return ""
    return "every seed gives the same number, so the spread over seeds is unknown"
