"""The claims of a study, evaluated: status, sentence, and the numbers behind them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

from srbench.analysis.claims import ClaimResult, evaluate
from srbench.analysis.claims_findings import Finding, Status
from srbench.analysis.claims_tree import ClaimError, Test, names
from srbench.analysis.evidence import evidence_of
from srbench.analysis.results import Results
from srbench.core.numbers import MINUS, listed, plural
from srbench.core.table import Column, Mark, Table, Value


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
