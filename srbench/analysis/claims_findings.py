"""One comparison of a claim as it came out, and its sentence: number, interval, count, p."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

from srbench.analysis.claims_contrasts import Status
from srbench.analysis.power import MoreSeeds


@dataclass(frozen=True)
class Finding:
    """One comparison, and the number that it rests on."""

    text: str
    status: Status
    why: str  # what decided: outside, inside, exact, counted, a verdict; or why nothing did
    relation: str = ""  # < > <= >= = in
    label: str = ""
    value: float = nan
    low: float = nan  # 95 % interval; NaN where there is none
    high: float = nan
    unit: str = ""
    count: int = 0  # seeds, rounds or runs; 0: exact
    counted: str = ""
    p: float = nan  # that it lies on one side of the border (or outside the region)
    p_inside: float = nan  # that it lies inside the region
    region: tuple[float, float] | None = None
    family: int = 1  # comparisons that Holm's adjustment went over
    more: MoreSeeds | None = None


def sentence(finding: Finding) -> str:
    """What a reader is told of it, without its status."""
    if isnan(finding.value):
        return f"{finding.text}: {finding.why}"
    if finding.counted == "run":
        times = f"{finding.text} in {finding.value * finding.count:.0f} of {_counted(finding)}"
        share = f"95 % interval of the share {finding.low:.2f} to {finding.high:.2f}"
        return f"{times} ({share}){_reason(finding)}"
    number = f"{finding.label} is {_figure(finding.value, finding)}"
    if finding.count == 0:
        return f"{number}, exactly"
    if not isnan(finding.low):
        low, high = (_figure(x, finding, bare=True) for x in (finding.low, finding.high))
        number += f" (95 % interval {low} to {high}, {_counted(finding)})"
    else:
        number += f" ({_counted(finding)})"
    return f"{number}{_reason(finding)}"


def _reason(finding: Finding) -> str:
    after = f" after Holm over {finding.family}" if finding.family > 1 else ""
    match finding.why:
        case "outside":
            return f", {_p(finding.p)}{after}"
        case "inside":
            return f", {_inside(finding)}, {_p(finding.p_inside)}{after}"
        case "counted":
            return ""
        case "not shown":
            other = f", nor {_inside(finding)} ({_p(finding.p_inside)})" if finding.region else ""
            first = "not outside" if finding.relation == "in" else "not significant"
            return f": {first} ({_p(finding.p)}{after}){other}{_more(finding.more)}"
    return f": {finding.why}"


def _inside(finding: Finding) -> str:
    if finding.region is None:
        return "identical in every seed"
    low, high = finding.region
    if finding.relation in ("<=", ">="):
        above = finding.relation == ">="
        end = _figure(low if above else high, finding)
        return f"{'above' if above else 'below'} {end}, the margin"
    if low == -high:
        return f"within ±{_figure(high, finding)}"
    return f"within {_figure(low, finding, bare=True)} to {_figure(high, finding)}"


def _more(more: MoreSeeds | None) -> str:
    if more is None:
        return ""
    if more.low is None:
        return "; not to be decided at this budget"
    if more.high is None:
        return f"; {more.low} more seeds or many more would decide, perhaps none at this budget"
    seeds = f"{more.low}" if more.low == more.high else f"{more.low} to {more.high}"
    return f"; about {seeds} more seeds would decide"


def _counted(finding: Finding) -> str:
    return f"{finding.count} {finding.counted}{'' if finding.count == 1 else 's'}"


def _p(p: float) -> str:
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def _figure(x: float, finding: Finding, *, bare: bool = False) -> str:
    unit = f" {finding.unit}" if finding.unit and not bare else ""
    if finding.unit == "dB":
        return f"{x:.3f}{unit}"
    if x.is_integer() and abs(x) < 1e15:
        return f"{int(x):,}{unit}"
    return f"{x:.4g}{unit}"
