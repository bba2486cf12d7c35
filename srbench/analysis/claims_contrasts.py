"""One comparison of a claim: which number it is about, how sure that is, and what follows.

A contrast is set up first, with raw p-values, and decided second, with the p-values that its claim
has adjusted (`srbench.analysis.claims`). Nothing is refuted by a test that merely did not succeed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from srbench.analysis.agreement import rank_correlation
from srbench.analysis.claims_estimates import LEAST_ROUNDS, Estimate, estimate
from srbench.analysis.claims_evidence import (
    Evidence,
    Exact,
    Reading,
    Sampled,
    Unknown,
    join,
    read,
    way_to_import,
)
from srbench.analysis.claims_tree import (
    Arithmetic,
    Comparison,
    Inside,
    Number,
    Quantity,
    Rank,
    Value,
    quantities,
)
from srbench.analysis.claims_vocabulary import margin_of, unit_of
from srbench.analysis.significance import LEAST_SEEDS

Status = Literal["supported", "refuted", "not decided"]
ALPHA = 0.05
MIN_RANKED = 4  # variants that a rank correlation needs to say anything
_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "≈": "≈"}


@dataclass(frozen=True)
class Contrast:
    """A number and the question put to it."""

    text: str  # the comparison as written
    label: str = ""  # what the number is: "psnr_y(a) - psnr_y(b)"
    unit: str = ""
    relation: str = ""  # < > <= >= = in
    border: float = 0.0
    low: float = math.nan  # the region of `in`, or of equivalence; NaN without a margin
    high: float = math.nan
    estimate: Estimate | None = None
    why_not: str = ""  # why nothing can be decided, whatever the numbers say
    verdict: str = ""  # the study's own, where this is one of its primary contrasts
    at_least: bool = False  # the number is a lower limit: it cannot be shown to lie below anything
    at_most: bool = False

    @property
    def exact(self) -> bool:
        """Whether no test is needed."""
        return self.estimate is not None and self.estimate.count == 0

    @property
    def tested(self) -> bool:
        """Whether its p-values belong to the claim's families."""
        return self.estimate is not None and not (self.exact or self.why_not or self.verdict)

    @property
    def p_outside(self) -> float:
        """Two-sided: that the number differs from the border, or lies outside the region."""
        x = self.estimate
        if x is None or self.exact:
            return math.nan
        low, high = (self.low, self.high) if self.relation == "in" else (self.border, self.border)
        return min(1.0, 2 * min(self._below(low), self._above(high)))

    @property
    def p_inside(self) -> float:
        """Two one-sided tests: that the number lies inside the region (1 without a region)."""
        x = self.estimate
        if x is None or self.exact:
            return math.nan
        if x.interval == (self.border, self.border) and self.relation != "in":
            return 0.0  # identical to the bit
        if math.isnan(self.low):
            return 1.0
        if self.relation == ">=":
            return self._above(self.low)  # not worse by the margin
        if self.relation == "<=":
            return self._below(self.high)
        return max(self._above(self.low), self._below(self.high))

    def _below(self, border: float) -> float:
        return 1.0 if self.at_least or not self.estimate else self.estimate.below(border)

    def _above(self, border: float) -> float:
        return 1.0 if self.at_most or not self.estimate else self.estimate.above(border)


def contrast(test: Comparison | Inside | Rank, evidence: Evidence) -> Contrast:
    """Set a comparison up from the evidence; what is missing is said in `why_not`."""
    text = str(test)
    try:
        match test:
            case Rank():
                found = _rank(test, evidence)
            case Inside():
                reading = read(test.value, evidence)
                ends = (test.low.value, test.high.value)
                found = _about(test.value, reading, "in", 0.0, ends)
            case Comparison():
                found = _comparison(test, evidence)
    except Unknown as problem:
        return Contrast(text, why_not=_gaps(test, evidence) or str(problem))
    why_not = _gaps(test, evidence) or _too_few(found.estimate) or _no_spread(test, found)
    verdict = _verdict(test, evidence) if isinstance(test, Comparison) else ""
    return replace(found, text=text, why_not=why_not, verdict=verdict)


def decide(contrast: Contrast, p_outside: float, p_inside: float) -> tuple[Status, str]:
    """What follows, and from what: outside, inside, exact, verdict, or why nothing does."""
    x = contrast.estimate
    if contrast.why_not or x is None:
        return "not decided", contrast.why_not
    if contrast.exact:
        return _exactly(contrast, x.value)
    if contrast.verdict:
        return _by_verdict(contrast, contrast.verdict, x)
    if p_inside <= ALPHA:
        return ("refuted" if contrast.relation in ("<", ">") else "supported"), "inside"
    if p_outside <= ALPHA:
        return _by_side(contrast, x.value), "outside"
    return "not decided", "not shown"


def _exactly(contrast: Contrast, x: float) -> tuple[Status, str]:
    relation, border = contrast.relation, contrast.border
    near = x == border or (not math.isnan(contrast.low) and contrast.low <= x <= contrast.high)
    if near:
        holds = relation not in ("<", ">") and (relation != "=" or x == border)
    else:
        holds = _by_side(contrast, x) == "supported"
    return ("supported" if holds else "refuted"), "exact"


def _by_side(contrast: Contrast, x: float) -> Status:
    below, above = contrast.relation in ("<", "<="), contrast.relation in (">", ">=")
    holds = (below and x < contrast.border) or (above and x > contrast.border)
    return "supported" if holds else "refuted"


def _by_verdict(contrast: Contrast, verdict: str, x: Estimate) -> tuple[Status, str]:
    why = f"the study's verdict: {verdict}"
    if verdict in ("equivalent", "identical"):
        return ("refuted" if contrast.relation in ("<", ">") else "supported"), why
    if verdict in ("helps", "hurts"):
        if contrast.relation != "in":
            return _by_side(contrast, x.value), why
        if contrast.p_outside <= ALPHA:
            return "refuted", why
        return "not decided", f"{why}, yet not shown to be beyond the margin"
    return "not decided", why


def _comparison(test: Comparison, evidence: Evidence) -> Contrast:
    left, right, relation = test.left, test.right, test.operator
    if isinstance(left, Number):
        left, right, relation = right, left, _MIRROR[relation]
    one, two = read(left, evidence), read(right, evidence)
    share = test.within.value / 100 if test.within and test.within.unit == "%" else None
    if isinstance(right, Number):
        border, value, reading = right.value, left, one
    elif share is not None or (_by_round(one) and _by_round(two) and test.within is None):
        border, value = 1.0, Arithmetic("/", left, right)
        reading = join(operator.truediv, one, two)
    else:
        border, value = 0.0, Arithmetic("-", left, right)
        reading = join(operator.sub, one, two)
    if share is not None:
        margin: float | None = share * abs(border)
    elif test.within:
        margin = test.within.value
    elif relation != "≈" and isinstance(right, Number) and right.value != 0:
        margin = None  # a border that the claim names itself is met as it stands
    else:
        margin = margin_of((left, right), evidence.margins)
    if relation == "≈":
        if margin is None:
            raise Unknown("no min_effect says what ≈ means here")
        relation = "in"
    nan = math.nan
    ends = (nan, nan) if margin is None else (border - margin, border + margin)
    return _about(value, reading, relation, border, ends)


def _about(
    value: Value, reading: Reading, relation: str, border: float, ends: tuple[float, float]
) -> Contrast:
    label, unit = str(value), unit_of(value) or ""
    found = Contrast("", label, unit, relation, border, *ends, estimate=estimate(reading))
    if isinstance(reading, Exact):
        return found
    for word, limits in (("lower", reading.at_least), ("upper", reading.at_most)):
        if limits:
            label += f" (a {word} limit in {limits} of {len(reading.values)} seeds)"
    at_least, at_most = reading.at_least > 0, reading.at_most > 0
    return replace(found, label=label, at_least=at_least, at_most=at_most)


def _rank(test: Rank, evidence: Evidence) -> Contrast:
    """Spearman's correlation of each seed's ranking with the other's, then t over seeds."""
    ours = test.quantity or Quantity(evidence.metric, "*", evidence.dataset)
    other = test.other or replace(ours, published=True)
    one, two = _by_variant(ours, evidence), _by_variant(other, evidence)
    both = [v for v in one if v in two]
    if len(both) < MIN_RANKED:
        said = f"{len(both)} variants have both figures; {MIN_RANKED} are needed"
        raise Unknown(f"{said}; {way_to_import(evidence)}" if other.published else said)
    seeds = _common_seeds([*(one[v] for v in both), *(two[v] for v in both)])
    correlations = {s: _spearman([_at(one[v], s) for v in both], [_at(two[v], s) for v in both])
                    for s in seeds or (0,)}  # fmt: skip
    reading: Reading = Sampled(correlations) if seeds else Exact(correlations[0])
    label = f"Spearman's rank correlation of {ours} with {other}, {len(both)} variants"
    return Contrast("", label, "", ">=", test.least, estimate=estimate(reading))


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


def _gaps(test: Comparison | Inside | Rank, evidence: Evidence) -> str:
    """Runs that failed or are missing, in words; a claim is not decided from those left over."""
    if isinstance(test, Rank):
        return ""  # variants without figures are left out, and their number is said
    found = list(dict.fromkeys(q.variant for q in quantities(test) if _needs_runs(q, evidence)))
    return "; ".join(_gap(name, evidence.gaps[name]) for name in found if evidence.gaps.get(name))


def _needs_runs(quantity: Quantity, evidence: Evidence) -> bool:
    exact = (quantity.name, quantity.variant) in evidence.costs
    timed = (quantity.name, quantity.variant) in evidence.rounds
    return not (quantity.published or exact or timed)


def _gap(variant: str, gaps: Mapping[int, str]) -> str:
    seeds = ", ".join(f"{seed} ({why})" for seed, why in sorted(gaps.items()))
    return f"{variant} lacks seed {seeds}"


def _too_few(x: Estimate | None) -> str:
    if x is None or x.decides:
        return ""
    needed = LEAST_SEEDS if x.counted == "seed" else LEAST_ROUNDS
    plural = "" if x.count == 1 else "s"
    return f"{x.count} {x.counted}{plural}; a verdict needs {needed}"


def _no_spread(test: Comparison | Inside | Rank, found: Contrast) -> str:
    """Equal differences other than "none" mean that the seeds replicate one training.

    Ranks and epochs are steps, and may well be equal.
    """
    x = found.estimate
    steps = isinstance(test, Rank) or any(q.reaching for q in quantities(test))
    if x is None or steps or x.counted != "seed" or x.spread > 0 or x.value == found.border:
        return ""
    return "every seed gives the same number, so the seeds show no spread to judge by"


def _by_round(reading: Reading) -> bool:
    return isinstance(reading, Sampled) and reading.by == "round"
