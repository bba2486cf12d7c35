"""Claims: statements of a study file with a test, evaluated on what was measured.

`claims.lark` describes the language and when a test is supported or refuted. Here a test is broken
into comparisons, their p-values are adjusted together, and the answers are joined again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan

from srbench.analysis.claims_contrasts import Leaf, contrast
from srbench.analysis.claims_decisions import Contrast, Status, decide
from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_findings import Finding, sentence
from srbench.analysis.claims_readings import BySeed, Sampled
from srbench.analysis.claims_tree import Both, Comparison, Extreme, Not, Test
from srbench.analysis.claims_vocabulary import better
from srbench.analysis.power import more_seeds
from srbench.analysis.significance import holm


@dataclass(frozen=True)
class ClaimResult:
    """The status of a claim, and why."""

    status: Status
    findings: tuple[Finding, ...]
    sentence: str


def evaluate(test: Test, evidence: Evidence) -> ClaimResult:
    """Decide a test on the evidence.

    The test should have been checked with the study's vocabulary; a name that the evidence does
    not know makes its comparison "not decided".
    """
    plain = _expanded(test, evidence)
    contrasts = {leaf: contrast(leaf, evidence) for leaf in _leaves(plain)}
    tested = [leaf for leaf, found in contrasts.items() if found.tested]
    outside = _adjusted({leaf: contrasts[leaf].p_outside for leaf in tested})
    inside = _adjusted({leaf: contrasts[leaf].p_inside for leaf in tested})
    findings: dict[Test, Finding] = {
        leaf: _finding(found, outside[leaf], inside[leaf], len(tested))
        if leaf in outside
        else _finding(found, found.p_outside, found.p_inside, 1)
        for leaf, found in contrasts.items()
    }
    status = _status(plain, findings)
    rests_on = tuple(findings.values())
    return ClaimResult(status, rests_on, _sentence(status, rests_on))


def _adjusted(p: Mapping[Leaf, float]) -> dict[Leaf, float]:
    return dict(zip(p, map(float, holm(list(p.values()))), strict=True)) if p else {}


def _sentence(status: Status, findings: Sequence[Finding]) -> str:
    """The findings in words; of an undecided claim, the undecided ones first."""
    if not findings:
        return "Nothing to compare with."
    open_first = sorted(findings, key=lambda f: f.status != "not decided")
    return "; ".join(map(sentence, open_first if status == "not decided" else findings)) + "."


def _expanded(test: Test, evidence: Evidence) -> Test:
    """The test with `best of` replaced by one comparison with each of the others."""
    match test:
        case Not():
            return replace(test, test=_expanded(test.test, evidence))
        case Both():
            return replace(test, parts=tuple(_expanded(part, evidence) for part in test.parts))
        case Extreme():
            return _contrasts(test, evidence)
    return test


def _contrasts(test: Extreme, evidence: Evidence) -> Test:
    quantity = test.quantity
    others = evidence.variants if test.others is None else test.others
    up = {"highest": 1, "lowest": -1, "best": better(quantity.name, evidence.metric_facts)}.get(
        test.kind, -better(quantity.name, evidence.metric_facts)
    )
    parts = tuple(
        Comparison(">" if up > 0 else "<", quantity, replace(quantity, variant=other))
        for other in others
        if other != quantity.variant
    )
    return parts[0] if len(parts) == 1 else Both("and", parts)


def _leaves(test: Test) -> list[Leaf]:
    match test:
        case Not():
            return _leaves(test.test)
        case Both():
            return list(dict.fromkeys(leaf for part in test.parts for leaf in _leaves(part)))
        case Extreme():
            raise AssertionError("_expanded leaves none")
    return [test]


def _status(test: Test, findings: Mapping[Test, Finding]) -> Status:
    match test:
        case Not():
            return _opposite(_status(test.test, findings))
        case Both():
            found = [_status(part, findings) for part in test.parts]
            one: Status = "refuted" if test.word == "and" else "supported"
            every = _opposite(one)
            if one in found:
                return one
            return every if set(found) == {every} else "not decided"
    return findings[test].status


def _opposite(status: Status) -> Status:
    opposite: dict[Status, Status] = {"supported": "refuted", "refuted": "supported"}
    return opposite.get(status, status)


def _finding(found: Contrast, p: float, p_inside: float, family: int) -> Finding:
    status, why = decide(found, p, p_inside)
    x, region, more = found.reading, found.region, None
    if why == "not shown" and region and found.relation != "in" and isinstance(x, BySeed):
        more = more_seeds(x.spread, x.count, (region[1] - region[0]) / 2, family)
    if not isinstance(x, Sampled) or x.count < x.needed:
        p = p_inside = nan
    return Finding(found, status, why, p, p_inside, family, more)
