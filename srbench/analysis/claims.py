"""Claims: statements of a study file with a test, evaluated on what was measured.

`claims.lark` describes the language and when a test is supported or refuted. Here a test is broken
into comparisons, their p-values are adjusted together, and the answers are joined again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

from scipy.special import betaincinv

from srbench.analysis.claims_contrasts import Contrast, Status, contrast, decide
from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_findings import Finding, sentence
from srbench.analysis.claims_tree import (
    Both,
    Comparison,
    Extreme,
    Happens,
    Inside,
    Not,
    Rank,
    Test,
)
from srbench.analysis.claims_vocabulary import better
from srbench.analysis.power import more_seeds
from srbench.analysis.significance import LEAST_SEEDS, holm


@dataclass(frozen=True)
class ClaimResult:
    """What a claim came to, and why."""

    text: str
    status: Status
    findings: tuple[Finding, ...]
    sentence: str


def evaluate(test: Test, evidence: Evidence) -> ClaimResult:
    """Hold a test against the evidence.

    The test should have been checked with the study's vocabulary; a name that the evidence does
    not know makes its comparison "not decided".
    """
    plain = _expanded(test, evidence)
    contrasts = {leaf: contrast(leaf, evidence) for leaf in _leaves(plain)
                 if not isinstance(leaf, Happens)}  # fmt: skip
    tested = [leaf for leaf, found in contrasts.items() if found.tested]
    outside = _adjusted({leaf: contrasts[leaf].p_outside for leaf in tested})
    inside = _adjusted({leaf: contrasts[leaf].p_inside for leaf in tested})
    findings: dict[Test, Finding] = {}
    for leaf in _leaves(plain):
        if isinstance(leaf, Happens):
            findings[leaf] = _happens(leaf, evidence)
        else:
            found = contrasts[leaf]
            p, q = outside.get(leaf, found.p_outside), inside.get(leaf, found.p_inside)
            findings[leaf] = _finding(found, p, q, max(1, len(tested)) if leaf in outside else 1)
    status = _status(plain, findings)
    rests_on = tuple(findings.values())
    return ClaimResult(str(test), status, rests_on, _sentence(status, rests_on))


def _adjusted(p: Mapping[Test, float]) -> dict[Test, float]:
    return dict(zip(p, map(float, holm(list(p.values()))), strict=True)) if p else {}


def _sentence(status: Status, findings: Sequence[Finding]) -> str:
    """The findings in words; of many, those that stand in the way come first."""
    if not findings:
        return "Nothing to compare with."
    open_first = sorted(findings, key=lambda f: f.status != "not decided")
    told = open_first if status == "not decided" else findings
    return "; ".join(map(sentence, told)) + "."


def _expanded(test: Test, evidence: Evidence) -> Test:
    """`best of` written out: one comparison with each of the others."""
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
    up = {"highest": 1, "lowest": -1, "best": better(quantity.name)}.get(
        test.kind, -better(quantity.name)
    )
    parts = tuple(
        Comparison(">" if up > 0 else "<", quantity, replace(quantity, variant=other))
        for other in others
        if other != quantity.variant
    )
    return parts[0] if len(parts) == 1 else Both("and", parts)


def _leaves(test: Test) -> list[Comparison | Inside | Rank | Happens]:
    match test:
        case Not():
            return _leaves(test.test)
        case Both():
            return list(dict.fromkeys(leaf for part in test.parts for leaf in _leaves(part)))
        case Extreme():
            raise AssertionError("written out before")
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
    x = found.estimate
    if x is None:
        return Finding(found.text, status, why)
    low, high = x.interval
    region = None if isnan(found.low) else (found.low, found.high)
    more = None
    if why == "not shown" and region and found.relation != "in" and x.counted == "seed":
        more = more_seeds(x.spread, x.count, (region[1] - region[0]) / 2, family)
    return Finding(
        found.text, status, why, found.relation, found.label, x.value, low, high, found.unit,
        x.count, x.counted, p if x.decides else nan, p_inside if x.decides else nan, region,
        family, more,
    )  # fmt: skip


def _happens(test: Happens, evidence: Evidence) -> Finding:
    text = str(test)
    if (test.event, test.variant) not in evidence.events:
        return Finding(text, "not decided", f"no run of {test.variant} tells")
    k, n = evidence.events[test.event, test.variant]
    status: Status = "supported" if k == n else "refuted" if k == 0 else "not decided"
    why = "counted" if status != "not decided" else "it does in some runs and not in others"
    if n < LEAST_SEEDS:
        status, why = "not decided", f"{n} run{'s' * (n != 1)}; a verdict needs {LEAST_SEEDS}"
    low = float(betaincinv(k, n - k + 1, 0.025)) if k else 0.0  # Clopper and Pearson, 1934
    high = float(betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0
    share = k / n if n else nan
    return Finding(text, status, why, "", "share of runs", share, low, high, "", n, "run")
