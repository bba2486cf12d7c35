"""Claims: statements of a study file with a test, evaluated on what was measured.

`claims.lark` describes the language and when a test is supported or refuted. Here a test is broken
into comparisons, their p-values are adjusted together, and the answers are joined again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from srbench.analysis.claims_contrasts import contrast
from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_findings import Finding, Status, decide, sentence
from srbench.analysis.claims_tree import Both, Comparison, Extreme, Leaf, Not, Test
from srbench.analysis.claims_vocabulary import better
from srbench.analysis.significance import holm
from srbench.core.numbers import listed

_DEGREES: dict[Status, int] = {"refuted": -1, "not decided": 0, "supported": 1}


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
    found = {leaf: _decided(one) for leaf, one in _adjusted(contrasts).items()}
    degree = _degree(plain, found)
    [status] = [status for status, its in _DEGREES.items() if its == degree]
    findings = tuple(found.values())
    if not findings:
        return ClaimResult(status, (), "Nothing to compare with.")
    open_first = sorted(findings, key=lambda f: status == "not decided" != f.status)
    return ClaimResult(status, findings, "; ".join(_sentences(open_first)) + ".")


def _sentences(findings: Sequence[Finding]) -> Iterator[str]:
    """What each finding rests on; those that lack the same numbers together."""
    for (unread, why), group in groupby(findings, lambda f: (f.reading is None, f.why)):
        if unread:
            yield f"{listed(f.text for f in group)}: {why}"
        else:
            yield from map(sentence, group)


def _expanded(test: Test, evidence: Evidence) -> Test:
    """The test with `best of` replaced by one comparison with each of the others."""
    if isinstance(test, Not):
        return replace(test, test=_expanded(test.test, evidence))
    if isinstance(test, Both):
        return replace(test, parts=tuple(_expanded(part, evidence) for part in test.parts))
    if not isinstance(test, Extreme):
        return test
    own, direction = test.quantity, better(test.quantity.name, evidence.metric_facts)
    up = {"highest": 1, "lowest": -1, "best": direction, "worst": -direction}[test.kind] > 0
    others = test.others or (replace(own, variant=name) for name in evidence.variants)
    return Both(
        "and", tuple(Comparison(">" if up else "<", own, one) for one in others if one != own)
    )


def _leaves(test: Test) -> Iterator[Leaf]:
    match test:
        case Not():
            yield from _leaves(test.test)
        case Both():
            for part in test.parts:
                yield from _leaves(part)
        case Extreme():
            raise AssertionError("_expanded leaves none")
        case _:
            yield test


def _adjusted(found: Mapping[Leaf, Finding]) -> dict[Leaf, Finding]:
    """The findings with p-values after Holm, in one family for each of the two kinds."""
    tested = {leaf: one for leaf, one in found.items() if one.tested}
    if not tested:
        return dict(found)
    outside = holm([one.p for one in tested.values()])
    inside = holm([one.p_inside for one in tested.values()])
    return dict(found) | {
        leaf: replace(one, p=float(p), p_inside=float(p_inside), family=len(tested))
        for (leaf, one), p, p_inside in zip(tested.items(), outside, inside, strict=True)
    }


def _decided(found: Finding) -> Finding:
    status, why = decide(found)
    return replace(found, status=status, why=why)


def _degree(test: Test, found: Mapping[Leaf, Finding]) -> int:
    """Kleene's logic: `not` is the opposite, `and` the least, `or` the most of its parts."""
    match test:
        case Not():
            return -_degree(test.test, found)
        case Both():
            parts = [_degree(part, found) for part in test.parts]
            return (min if test.word == "and" else max)(parts, default=0)
        case Extreme():
            raise AssertionError("_expanded leaves none")
    return _DEGREES[found[test].status]
