"""One comparison of a claim as it was decided, and its sentence: number, interval, count, p."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

from srbench.analysis.claims_decisions import Contrast, Status
from srbench.analysis.claims_readings import Exact, RunShare
from srbench.analysis.power import MoreSeeds
from srbench.core.numbers import plural


@dataclass(frozen=True)
class Finding:
    """A contrast, what follows from it, and the p-values that its claim has adjusted."""

    contrast: Contrast
    status: Status
    why: str  # what decided: outside, inside, exact, counted, a verdict; or why nothing did
    p: float = nan  # that the number lies on one side of the border (or outside the region)
    p_inside: float = nan  # that it lies inside the region
    family: int = 1  # comparisons in Holm's adjustment
    more: MoreSeeds | None = None


def sentence(finding: Finding) -> str:
    """The number that a finding rests on, in words, without its status."""
    contrast, x = finding.contrast, finding.contrast.reading
    if x is None:
        return f"{contrast.text}: {finding.why}"
    low, high = x.interval
    if isinstance(x, RunShare):
        share = f"95 % interval of the share {low:.2f} to {high:.2f}"
        times = f"{contrast.text} in {x.hits} of {plural(x.count, x.counted)} ({share})"
        return times if finding.why == "counted" else f"{times}: {finding.why}"
    number = f"{contrast.label} is {_figure(x.value, contrast.unit)}{_unit(contrast)}"
    if isinstance(x, Exact):
        return f"{number}, exactly"
    rests_on = plural(x.count, x.counted)
    if not isnan(low):
        ends = f"{_figure(low, contrast.unit)} to {_figure(high, contrast.unit)}"
        rests_on = f"95 % interval {ends}, {rests_on}"
    return f"{number} ({rests_on}){_reason(finding)}"


def _reason(finding: Finding) -> str:
    after = f" after Holm over {finding.family}" if finding.family > 1 else ""
    inside = f"{_inside(finding.contrast)}"
    if finding.why == "outside":
        return f", {_p(finding.p)}{after}"
    if finding.why == "inside":
        return f", {inside}, {_p(finding.p_inside)}{after}"
    if finding.why != "not shown":
        return f": {finding.why}"
    first = "not outside" if finding.contrast.relation == "in" else "not significant"
    other = f", nor {inside} ({_p(finding.p_inside)})" if finding.contrast.region else ""
    return f": {first} ({_p(finding.p)}{after}){other}{_more(finding.more)}"


def _inside(contrast: Contrast) -> str:
    if contrast.region is None:
        return "identical in every seed"
    low, high = contrast.region
    unit = _unit(contrast)
    if contrast.relation == ">=":
        return f"above {_figure(low, contrast.unit)}{unit} (min_effect)"
    if contrast.relation == "<=":
        return f"below {_figure(high, contrast.unit)}{unit} (min_effect)"
    if low == -high:
        return f"within ±{_figure(high, contrast.unit)}{unit}"
    return f"within {_figure(low, contrast.unit)} to {_figure(high, contrast.unit)}{unit}"


def _more(more: MoreSeeds | None) -> str:
    if more is None:
        return ""
    if more.low is None:
        return "; not decidable at this budget"
    if more.high is None:
        return f"; {more.low} more seeds or many more would decide, perhaps none at this budget"
    seeds = f"{more.low}" if more.low == more.high else f"{more.low} to {more.high}"
    return f"; about {seeds} more seeds would decide"


def _p(p: float) -> str:
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def _unit(contrast: Contrast) -> str:
    return f" {contrast.unit}" if contrast.unit else ""


def _figure(x: float, unit: str) -> str:
    if unit == "dB":
        return f"{x:.3f}"
    return f"{int(x):,}" if x.is_integer() and abs(x) < 1e15 else f"{x:.4g}"
