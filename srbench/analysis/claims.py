"""Claims: statements of a study file with a test, evaluated on what was measured.

`claims.lark` describes the language and when a test is supported or refuted. Here a test is broken
into comparisons, their p-values are adjusted together, and the answers are joined again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import get_args

from srbench.analysis.claims_contrasts import contrast
from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_findings import Finding, Status, decided, sentence
from srbench.analysis.claims_tree import (
    Both,
    ClaimError,
    Comparison,
    Extreme,
    Leaf,
    Not,
    Test,
    names,
)
from srbench.analysis.claims_vocabulary import better
from srbench.analysis.evidence import evidence_of
from srbench.analysis.results import Results
from srbench.analysis.significance import holm
from srbench.core.numbers import MINUS, listed, plural
from srbench.core.table import Column, Mark, Table, Value

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
    found: dict[Test, Finding] = {k: decided(one) for k, one in _adjusted(contrasts).items()}
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
    if isinstance(test, Leaf):
        yield test
    elif isinstance(test, Not | Both):
        for part in (test.test,) if isinstance(test, Not) else test.parts:
            yield from _leaves(part)


def _adjusted(found: Mapping[Leaf, Finding]) -> dict[Leaf, Finding]:
    """The findings with p-values after Holm, in one family for each of the two kinds."""
    tested = {leaf: one for leaf, one in found.items() if one.tested}
    outside = holm([one.p for one in tested.values()])
    inside = holm([one.p_inside for one in tested.values()])
    return dict(found) | {
        leaf: replace(one, p=float(p), p_inside=float(p_inside), family=len(tested))
        for (leaf, one), p, p_inside in zip(tested.items(), outside, inside, strict=True)
    }


def _degree(test: Test, found: Mapping[Test, Finding]) -> int:
    """Kleene's logic: `not` is the opposite, `and` the least, `or` the most of its parts."""
    if isinstance(test, Not):
        return -_degree(test.test, found)
    if isinstance(test, Both):
        parts = [_degree(part, found) for part in test.parts]
        return (min if test.word == "and" else max)(parts, default=0)
    return _DEGREES[found[test].status]


@dataclass(frozen=True)
class JudgedClaim:
    """One claim of the study file, and its result."""

    id: str
    says: str
    test: str  # as written
    result: ClaimResult


@lru_cache(maxsize=8)
def claims_of(results: Results) -> tuple[JudgedClaim, ...]:
    """Every claim of the study, in the order of the file.

    A test that this version cannot parse (the plan is of another version) is not decided.
    """
    tests = [_parsed(claim["test"]) for claim in results.facts.claims]
    if not tests:
        return ()
    named = [name for test in tests if not isinstance(test, ClaimError) for name in names(test)]
    evidence = evidence_of(results, named)
    return tuple(
        JudgedClaim(
            claim.get("id", ""),
            claim.get("says", ""),
            claim["test"],
            ClaimResult("not decided", (), f"The test cannot be read: {test}.")
            if isinstance(test, ClaimError)
            else evaluate(test, evidence),
        )
        for claim, test in zip(results.facts.claims, tests, strict=True)
    )


def _parsed(test: str) -> Test | ClaimError:
    from srbench.analysis.claims_parser import parse  # late: lark takes 0.1 s

    try:
        return parse(test)
    except ClaimError as error:
        return error


def claims_heading(results: Results) -> str:
    """How many claims have which status."""
    found = [claim.result.status for claim in claims_of(results)]
    if len(found) == 1:
        return f"The claim is {found[0]}"
    if len(set(found)) == 1:
        if found[0] == "not decided":
            return f"None of {len(found)} claims is decided"
        return f"All {len(found)} claims are {found[0]}"
    parts = [f"{found.count(status)} {status}" for status in get_args(Status) if status in found]
    return f"Of {plural(len(found), 'claim')}: {listed(parts)}"


def claims_shown(results: Results) -> Table:
    """One row for each claim: statement, status, and the reason."""
    columns = (
        Column("id", "claim"),
        Column("says", "says"),
        Column("status", "status", kind="verdict"),
        Column("rests_on", "what it rests on"),
        Column("test", "test"),
    )
    rows = tuple(
        (claim.id, claim.says, claim.result.status, _minus(claim.result.sentence), claim.test)
        for claim in claims_of(results)
    )
    return Table("claims", "Claims of the study file and their status", columns, rows)


def findings_shown(results: Results) -> Table:
    """The numbers behind the claims: one row for each comparison."""
    columns = (
        Column("id", "claim"),
        Column("comparison", "comparison"),
        Column("status", "status", kind="verdict"),
        Column("number", "number"),
        Column("value", "value", kind="measure"),
        Column("low", "95 % from", kind="measure"),
        Column("high", "95 % to", kind="measure"),
        Column("unit", "unit"),
        Column("count", "over", kind="count"),
        Column("counted", "counted in"),
        Column("p", "p outside", kind="p", note="Holm over the comparisons of the claim"),
        Column("p_inside", "p inside", kind="p", note="Holm over the comparisons of the claim"),
        Column("why", "decided by"),
    )
    rows = tuple(
        _finding(claim.id, finding)
        for claim in claims_of(results)
        for finding in claim.result.findings
    )
    return Table("findings", "The numbers that the claims rest on", columns, rows)


def _minus(sentence: str) -> str:
    """A sentence with true minus signs, except in names such as 1e-3."""
    return re.sub(r"(?<= )-(?=\d)|(?<= )-(?= )", MINUS, sentence)


def _finding(id_: str, found: Finding) -> tuple[Value, ...]:
    none, x = Mark("none", "no number, or an exact one"), found.reading
    numbers = (math.nan,) * 3 if x is None else (x.value, *x.interval)
    counted = (x.count, f"{x.counted}s") if x and x.count else (0, "exact")
    value, low, high, p, p_inside = (
        none if math.isnan(number) else number for number in (*numbers, found.p, found.p_inside)
    )
    return (
        id_, found.text, found.status, found.label, value, low, high, found.unit,
        *counted, p, p_inside, found.why,
    )  # fmt: skip
