"""One comparison of a claim: its number, the question put to it, the answer, and its sentence.

A test that is merely not significant refutes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Literal

from srbench.analysis.claims_readings import Exact, OfStudy, Reading, RunShare, Sampled
from srbench.core.numbers import p_value, plural, with_unit

Status = Literal["supported", "refuted", "not decided"]
ALPHA = 0.05


@dataclass(frozen=True)
class Finding:
    """A comparison with the number that it rests on, and what follows from it.

    `p` is two-sided: that the number differs from the border, or of `in` lies outside the region.
    `p_inside` is that of two one-sided tests: that it lies inside the region (1 without one). Both
    are NaN without a sample that is large enough for a verdict.
    """

    text: str  # the comparison as written
    label: str = ""  # what the number is: "psnr_y(a) - psnr_y(b)"
    unit: str = ""
    relation: str = ""  # < > <= >= = in
    border: float = 0.0
    region: tuple[float, float] | None = None  # of `in`, or of equivalence
    reading: Reading | OfStudy | RunShare | None = None  # None: not measured
    why: str = ""  # what decided: outside, inside, exact, counted, a verdict; or why nothing did
    status: Status = "not decided"
    p: float = nan
    p_inside: float = nan
    family: int = 1  # comparisons in Holm's adjustment

    @property
    def tested(self) -> bool:
        """Whether its p-values belong to the claim's families."""
        return isinstance(self.reading, Sampled) and not self.why


def p_values(
    x: Sampled, relation: str, border: float, region: tuple[float, float] | None
) -> tuple[float, float]:
    """The `p` and `p_inside` of a finding, before Holm's adjustment."""
    low, high = region if region and relation == "in" else (border, border)
    p = min(1.0, 2 * min(x.below(low), x.above(high)))
    if x.interval == (border, border) and relation != "in":
        return p, 0.0  # identical to the bit
    if region is None:
        return p, 1.0
    low, high = region
    if relation == ">=":
        return p, x.above(low)  # not below by min_effect
    if relation == "<=":
        return p, x.below(high)
    return p, max(x.above(low), x.below(high))


def decided(found: Finding) -> Finding:
    """The finding with its status, and what decided it or why nothing did."""
    status, why = _decide(found)
    return replace(found, status=status, why=why)


def _decide(found: Finding) -> tuple[Status, str]:
    x = found.reading
    if found.why or x is None:
        return "not decided", found.why
    if isinstance(x, RunShare):
        if 0 < x.hits < x.count:
            return "not decided", "it does in some runs and not in others"
        if x.unknown:
            return "not decided", f"{plural(x.unknown, 'more run')} may do it or not"
        return "supported" if x.hits else "refuted", "counted"
    if isinstance(x, Exact):
        return _exactly(found, x.value), "exact"
    if isinstance(x, OfStudy):
        return _by_verdict(found, x)
    if found.p_inside <= ALPHA:
        return _equivalent(found), "inside"
    if found.p <= ALPHA:
        return _by_side(found, x.value), "outside"
    return "not decided", "not shown"


def _exactly(found: Finding, x: float) -> Status:
    region = None if found.relation == "=" else found.region
    low, high = region or (found.border, found.border)
    return _equivalent(found) if low <= x <= high else _by_side(found, x)


def _by_side(found: Finding, x: float) -> Status:
    below, above = found.relation in ("<", "<="), found.relation in (">", ">=")
    holds = (below and x < found.border) or (above and x > found.border)
    return "supported" if holds else "refuted"


def _equivalent(found: Finding) -> Status:
    return "refuted" if found.relation in ("<", ">") else "supported"


def _by_verdict(found: Finding, x: OfStudy) -> tuple[Status, str]:
    why = f"the study's verdict: {x.word}"
    if x.word in ("equivalent", "identical"):
        return _equivalent(found), why
    if x.word not in ("helps", "hurts"):
        return "not decided", why
    low, high = found.region or x.interval
    if found.relation != "in" or x.interval[0] > high or x.interval[1] < low:
        return _by_side(found, x.value), why
    return "not decided", f"{why}, yet not shown to exceed min_effect"


def sentence(found: Finding) -> str:
    """The number that a finding rests on, in words, without its status."""
    x = found.reading
    if x is None:
        return f"{found.text}: {found.why}"
    low, high = x.interval
    if isinstance(x, RunShare):
        share = f"95 % interval of the share {low:.2f} to {high:.2f}"
        times = f"{found.text} in {x.hits} of {plural(x.count, x.counted)} ({share})"
        return times if found.why == "counted" else f"{times}: {found.why}"
    number = f"{found.label} is {_in_unit(found, x.value)}"
    if isinstance(x, Exact):
        return f"{number}, exactly"
    rests_on = plural(x.count, x.counted)
    if not isnan(low):
        kind = "simultaneous 95 %" if isinstance(x, OfStudy) else "95 %"
        rests_on = f"{kind} interval {_ends(found, low, high)}, {rests_on}"
    return f"{number} ({rests_on}){_reason(found)}"


def _reason(found: Finding) -> str:
    after = f" after Holm over {found.family}" if found.family > 1 else ""
    if found.why == "outside":
        return f", {p_value(found.p)}{after}"
    if found.why == "inside":
        return f", {_inside(found)}, {p_value(found.p_inside)}{after}"
    if found.why != "not shown":
        return f": {found.why}"
    first = "not outside" if found.relation == "in" else "not significant"
    other = f", nor {_inside(found)} ({p_value(found.p_inside)})" if found.region else ""
    return f": {first} ({p_value(found.p)}{after}){other}"


def _inside(found: Finding) -> str:
    if found.region is None:
        return "identical in every seed"
    low, high = found.region
    if found.relation == ">=":
        return f"above {_in_unit(found, low)} (min_effect)"
    if found.relation == "<=":
        return f"below {_in_unit(found, high)} (min_effect)"
    if low == -high:
        return f"within ±{_in_unit(found, high)}"
    return f"within {with_unit(_ends(found, low, high), found.unit)}"


def _ends(found: Finding, low: float, high: float) -> str:
    return f"{_figure(low, found.unit)} to {_figure(high, found.unit)}"


def _in_unit(found: Finding, x: float) -> str:
    return with_unit(_figure(x, found.unit), found.unit)


def _figure(x: float, unit: str) -> str:
    if unit == "dB":
        return f"{x:.3f}"
    return f"{int(x):,}" if x.is_integer() and abs(x) < 1e15 else f"{x:.4g}"
