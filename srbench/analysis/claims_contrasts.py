"""From a comparison of a claim to a contrast: the number that it is about, from the evidence.

A contrast has raw p-values; `claims.py` adjusts them together, `claims_decisions.py` decides.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from srbench.analysis.agreement import rank_correlation
from srbench.analysis.claims_decisions import Contrast, Region
from srbench.analysis.claims_evidence import Evidence, read, way_to_import
from srbench.analysis.claims_readings import (
    ByRound,
    BySeed,
    Exact,
    Reading,
    RunShare,
    Sampled,
    Unknown,
    join,
)
from srbench.analysis.claims_tree import (
    Arithmetic,
    Comparison,
    Happens,
    Inside,
    Number,
    Quantity,
    Rank,
    Value,
    quantities,
)
from srbench.analysis.claims_vocabulary import min_effect_of, unit_of
from srbench.core.numbers import plural

Leaf: TypeAlias = Comparison | Inside | Rank | Happens
MIN_RANKED = 4  # variants that a rank correlation needs
_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "≈": "≈"}


def contrast(test: Leaf, evidence: Evidence) -> Contrast:
    """Set a comparison up from the evidence; `why_not` names what is missing."""
    try:
        match test:
            case Happens():
                found = _happens(test, evidence)
            case Rank():
                found = _rank(test, evidence)
            case Inside():
                region = (test.low.value, test.high.value)
                found = _about(test.value, read(test.value, evidence), "in", 0.0, region, evidence)
            case Comparison():
                found = _comparison(test, evidence)
    except Unknown as problem:
        return Contrast(str(test), why_not=_gaps(test, evidence) or str(problem))
    why_not = _gaps(test, evidence) or _too_few(found.reading) or _no_spread(test, found)
    verdict = _verdict(test, evidence) if isinstance(test, Comparison) else ""
    return replace(found, text=str(test), why_not=why_not, verdict=verdict)


def _comparison(test: Comparison, evidence: Evidence) -> Contrast:
    left, right, relation = test.left, test.right, test.operator
    if isinstance(left, Number):
        left, right, relation = right, left, _MIRROR[relation]
    one, two = read(left, evidence), read(right, evidence)
    share = test.within.value / 100 if test.within and test.within.unit == "%" else None
    timed = isinstance(one, ByRound) and isinstance(two, ByRound)
    if isinstance(right, Number):
        border, value, reading = right.value, left, one
    elif share is not None or (timed and test.within is None):
        border, value = 1.0, Arithmetic("/", left, right)
        reading = join(operator.truediv, one, two)
    else:
        border, value = 0.0, Arithmetic("-", left, right)
        reading = join(operator.sub, one, two)
    if share is not None:
        half: float | None = share * abs(border)
    elif test.within:
        half = test.within.value
    elif relation != "≈" and isinstance(right, Number) and right.value != 0:
        half = None  # a border that the claim names itself is met as it stands
    else:
        half = min_effect_of((left, right), evidence.min_effects)
    if relation == "≈":
        if half is None:
            raise Unknown("≈ needs min_effect or `within`, and there is neither")
        relation = "in"
    region = None if half is None else (border - half, border + half)
    return _about(value, reading, relation, border, region, evidence)


def _about(
    value: Value,
    reading: Reading,
    relation: str,
    border: float,
    region: Region | None,
    evidence: Evidence,
) -> Contrast:
    label = str(value)
    if isinstance(reading, BySeed):
        for word, limits in (("lower", reading.at_least), ("upper", reading.at_most)):
            if limits:
                label += f" (a {word} limit in {limits} of {reading.count} seeds)"
    unit = unit_of(value, evidence.metric_facts) or ""
    return Contrast("", label, unit, relation, border, region, reading)


def _happens(test: Happens, evidence: Evidence) -> Contrast:
    hits, count = evidence.events.get((test.event, test.variant), (0, 0))
    if not count:
        raise Unknown(f"no run of {test.variant} shows it")
    return Contrast("", "share of runs", reading=RunShare(hits, count))


def _rank(test: Rank, evidence: Evidence) -> Contrast:
    """Spearman's correlation of each seed's ranking with the other's, then t over seeds."""
    ours = test.quantity or Quantity(evidence.metric, "*", evidence.dataset)
    other = test.other or replace(ours, published=True)
    one, two = _by_variant(ours, evidence), _by_variant(other, evidence)
    both = [v for v in one if v in two]
    if len(both) < MIN_RANKED:
        problem = f"{len(both)} variants have both figures; {MIN_RANKED} are needed"
        raise Unknown(f"{problem}; {way_to_import(evidence)}" if other.published else problem)
    seeds = _common_seeds([*(one[v] for v in both), *(two[v] for v in both)])
    correlations = {s: _spearman([_at(one[v], s) for v in both], [_at(two[v], s) for v in both])
                    for s in seeds or (0,)}  # fmt: skip
    reading = BySeed(correlations) if seeds else Exact(correlations[0])
    label = f"Spearman's rank correlation of {ours} with {other}, {len(both)} variants"
    return Contrast("", label, "", ">=", test.at_least, reading=reading)


def _by_variant(quantity: Quantity, evidence: Evidence) -> Mapping[str, Reading]:
    found: dict[str, Reading] = {}
    for variant in evidence.variants:
        try:
            found[variant] = read(replace(quantity, variant=variant), evidence)
        except Unknown:
            continue
    return found


def _common_seeds(readings: list[Reading]) -> list[int]:
    sampled = [set(r.values) for r in readings if isinstance(r, Sampled)]
    if not sampled:
        return []
    common = sorted(set.intersection(*sampled))
    if not common:
        raise Unknown("no seed has finished in every variant")
    return common


def _at(reading: Reading, seed: int) -> float:
    return reading.value if isinstance(reading, Exact) else reading.values[seed]


def _spearman(one: list[float], two: list[float]) -> float:
    if len(set(one)) == 1 or len(set(two)) == 1:
        raise Unknown("all variants have one and the same figure")
    return rank_correlation(one, two, "spearman")


def _verdict(test: Comparison, evidence: Evidence) -> str:
    """The study's own verdict, where the comparison is variant against baseline on its metric."""
    sides = (test.left, test.right)
    if test.within or test.operator == "=" or not all(_is_primary(s, evidence) for s in sides):
        return ""
    names = [side.variant for side in sides if isinstance(side, Quantity)]
    if evidence.baseline not in names or len(set(names)) < 2:
        return ""
    [variant] = [name for name in names if name != evidence.baseline]
    return evidence.verdicts.get(variant, "")


def _is_primary(value: Value, evidence: Evidence) -> bool:
    plain = Quantity(evidence.metric, getattr(value, "variant", ""))
    return value in (plain, replace(plain, dataset=evidence.dataset))


def _gaps(test: Leaf, evidence: Evidence) -> str:
    """Runs that failed or are missing, in words; the runs that remain decide no claim."""
    if isinstance(test, Rank):
        return ""  # variants without figures are left out, and the label counts the others
    found = list(dict.fromkeys(q.variant for q in quantities(test) if _needs_runs(q, evidence)))
    return "; ".join(_gap(name, evidence.gaps[name]) for name in found if evidence.gaps.get(name))


def _needs_runs(quantity: Quantity, evidence: Evidence) -> bool:
    exact = (quantity.name, quantity.variant) in evidence.costs
    timed = (quantity.name, quantity.variant) in evidence.rounds
    return not (quantity.published or exact or timed)


def _gap(variant: str, gaps: Mapping[int, str]) -> str:
    seeds = ", ".join(f"{seed} ({why})" for seed, why in sorted(gaps.items()))
    return f"{variant} lacks seed {seeds}"


def _too_few(x: Reading | RunShare | None) -> str:
    if x is None or isinstance(x, Exact) or x.count >= x.needed:
        return ""
    return f"{plural(x.count, x.counted)}; a verdict needs {x.needed}"


def _no_spread(test: Leaf, found: Contrast) -> str:
    """Equal differences other than 0 mean that the seeds replicate one training.

    Ranks and epochs are steps, and may well be equal.
    """
    x = found.reading
    steps = isinstance(test, Rank) or any(q.reaching for q in quantities(test))
    if not isinstance(x, BySeed) or steps or x.spread > 0 or x.value == found.border:
        return ""
    return "every seed gives the same number, so the seeds show no spread to judge by"
