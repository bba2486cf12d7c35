"""Claims: statements with a test, held against what was measured.

A test says something of quantities:

    psnr_y(atrous) < psnr_y(full)            also > <= >=; chains: a < b < c
    psnr_y(spatial) ≈ psnr_y(full)           within min_effect; ~= is the same in ASCII
    loss(a, last=25) ≈ loss(b, last=25) within 0.0005        or: within 5 %
    psnr_y(a) - psnr_y(b) in [0.1 dB, 0.2 dB]
    latency(a) / latency(b) in [1.1, 1.2]    or: ratio(latency(a), latency(b))
    params(standard) = 964163                counts only; 964_163, 964.163 k, 1.5 M, 70.5 G
    psnr_y(a) best of (b, c)                 worst of, highest of, lowest of; `*`: every variant
    rank of loss(*, last=25) agrees >= 0.8 with published
    diverges(lr_1e_2)                        also collapses, converges
    not ..., ... and ..., ... or ..., (...)

and a quantity is one of

    psnr_y(variant) · psnr_y(variant, dataset)       a metric, on the primary set unless said
    loss(variant) · loss(variant, epoch=300) · epochs=276..300 · last=25     a curve
    psnr_y(variant, epoch=300)                       a metric's curve on the validation set
    epochs_to(variant, loss=0.03)                    the first epoch at that level
    params · dead_params · macs · ... (variant)      a cost
    latency(variant) · step_time(variant)            ms, by round
    published(any of these)                          a source's figure, never ours; not decided
                                                     until `srbench import` has brought it

Names with spaces, commas or brackets stand in quotes. In YAML, a test with a comma or a bracket
inside `{ }` must be quoted as a whole.

What follows. *supported*, *refuted*, or *not decided*: refuted only where the opposite, or
equivalence, is shown.

    a < b      supported: below, two-sided p <= 5 %. refuted: above, or equivalent within min_effect
    a <= b     supported: below, or not above by min_effect. refuted: above
    ≈, in      supported: two one-sided tests at 5 %. refuted: shown to lie outside
    a < 0.8    a border that the test names itself is met as it stands, without min_effect
    diverges   supported: in every run, of 3 or more. refuted: in none
    rank       Spearman's correlation of each seed's ranking, t over seeds

A comparison of a variant with the baseline on the primary outcome takes the study's own verdict,
so that no claim contradicts the forest plot. All others are secondary: each claim has 5 % of its
own, Holm-adjusted over the comparisons within it (one family for differences, one for equivalence,
as in the study). Exact figures decide at once. Under 3 seeds (20 rounds), or with runs failed or
missing, a claim is not decided, and says so. `and`, `or`, `not` follow Kleene's logic: `and` is
refuted by one refuted part, and supported only by all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

from scipy.special import betaincinv

from srbench.analysis.claims_contrasts import Contrast, Status, contrast, decide
from srbench.analysis.claims_evidence import Evidence
from srbench.analysis.claims_findings import Finding, sentence
from srbench.analysis.claims_parser import parse
from srbench.analysis.claims_tree import (
    Both,
    Claim,
    ClaimError,
    Comparison,
    Extreme,
    Happens,
    Inside,
    Not,
    Rank,
    Test,
)
from srbench.analysis.claims_vocabulary import Vocabulary, better, check
from srbench.analysis.power import more_seeds
from srbench.analysis.significance import LEAST_SEEDS, holm

__all__ = [
    "Claim", "ClaimError", "ClaimResult", "Evidence", "Finding", "Vocabulary", "check", "evaluate",
    "parse",
]  # fmt: skip


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
