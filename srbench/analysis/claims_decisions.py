"""What follows from a number, its p-values and a claim's question: supported, refuted, not decided.

A test that is merely not significant refutes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Literal

from srbench.analysis.claims_readings import Exact, Reading, RunShare, Sampled

Status = Literal["supported", "refuted", "not decided"]
Region = tuple[float, float]
ALPHA = 0.05


@dataclass(frozen=True)
class Contrast:
    """A number and the question put to it."""

    text: str  # the comparison as written
    label: str = ""  # what the number is: "psnr_y(a) - psnr_y(b)"
    unit: str = ""
    relation: str = ""  # < > <= >= = in
    border: float = 0.0
    region: Region | None = None  # of `in`, or of equivalence
    reading: Reading | RunShare | None = None  # None: not measured
    why_not: str = ""  # why nothing can be decided, whatever the numbers are
    verdict: str = ""  # the study's own, where this is one of its primary contrasts

    @property
    def tested(self) -> bool:
        """Whether its p-values belong to the claim's families."""
        return isinstance(self.reading, Sampled) and not (self.why_not or self.verdict)

    @property
    def p_outside(self) -> float:
        """Two-sided: that the number differs from the border, or lies outside the region."""
        x = self.reading
        if not isinstance(x, Sampled):
            return nan
        ends = self.region if self.relation == "in" else None
        low, high = ends or (self.border, self.border)
        return min(1.0, 2 * min(x.below(low), x.above(high)))

    @property
    def p_inside(self) -> float:
        """Two one-sided tests: that the number lies inside the region (1 without a region)."""
        x = self.reading
        if not isinstance(x, Sampled):
            return nan
        if x.interval == (self.border, self.border) and self.relation != "in":
            return 0.0  # identical to the bit
        if self.region is None:
            return 1.0
        low, high = self.region
        if self.relation == ">=":
            return x.above(low)  # not below by min_effect
        if self.relation == "<=":
            return x.below(high)
        return max(x.above(low), x.below(high))


def decide(contrast: Contrast, p_outside: float, p_inside: float) -> tuple[Status, str]:
    """What follows, and from what: outside, inside, exact, verdict, or why nothing does."""
    x = contrast.reading
    if contrast.why_not or x is None:
        return "not decided", contrast.why_not
    if isinstance(x, RunShare):
        return _by_count(x)
    if isinstance(x, Exact):
        return _exactly(contrast, x.value)
    if contrast.verdict:
        return _by_verdict(contrast, contrast.verdict, x.value)
    if p_inside <= ALPHA:
        return _equivalent(contrast), "inside"
    if p_outside <= ALPHA:
        return _by_side(contrast, x.value), "outside"
    return "not decided", "not shown"


def _by_count(x: RunShare) -> tuple[Status, str]:
    if 0 < x.hits < x.count:
        return "not decided", "it does in some runs and not in others"
    return ("supported" if x.hits else "refuted"), "counted"


def _exactly(contrast: Contrast, x: float) -> tuple[Status, str]:
    relation, border, region = contrast.relation, contrast.border, contrast.region
    if x == border or (region and region[0] <= x <= region[1]):
        holds = relation not in ("<", ">") and (relation != "=" or x == border)
    else:
        holds = _by_side(contrast, x) == "supported"
    return ("supported" if holds else "refuted"), "exact"


def _by_side(contrast: Contrast, x: float) -> Status:
    below, above = contrast.relation in ("<", "<="), contrast.relation in (">", ">=")
    holds = (below and x < contrast.border) or (above and x > contrast.border)
    return "supported" if holds else "refuted"


def _equivalent(contrast: Contrast) -> Status:
    return "refuted" if contrast.relation in ("<", ">") else "supported"


def _by_verdict(contrast: Contrast, verdict: str, x: float) -> tuple[Status, str]:
    why = f"the study's verdict: {verdict}"
    if verdict in ("equivalent", "identical"):
        return _equivalent(contrast), why
    if verdict not in ("helps", "hurts"):
        return "not decided", why
    if contrast.relation != "in":
        return _by_side(contrast, x), why
    if contrast.p_outside <= ALPHA:
        return "refuted", why
    return "not decided", f"{why}, yet not shown to exceed min_effect"
