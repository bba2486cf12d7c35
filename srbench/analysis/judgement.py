"""What was decided on every contrast, once for page, tables, sentences and claims.

Variants are one family, and with them the pairs that the study compares; controls are judged in a
family of their own. Where a study adds seeds until decided, the sequential test decides and its
repeated intervals replace both others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import isfinite, nan
from typing import Literal

import numpy as np

from srbench.analysis.effects import Interval
from srbench.analysis.looks import Course, Look, sequential
from srbench.analysis.outliers import Outlier, outliers
from srbench.analysis.power import MoreSeeds
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import Cell, by_variant, compared, controls
from srbench.analysis.significance import Floats, sample
from srbench.analysis.verdicts import Rules, Verdict, Word, verdicts

LOST = frozenset({"failed", "pruned"})  # runs that will never give a score


@dataclass(frozen=True)
class Judged:
    """One contrast, variant - baseline: what is quoted of it, and the verdict.

    A sequential study quotes the last look taken, with its repeated interval; others quote all
    seeds, with the 95 % t interval.
    """

    variant: str
    against: str  # the baseline, or the other variant of a pair
    differences: tuple[float, ...]  # one for each seed that both have
    verdict: Verdict  # of all seeds that are there, as if their number had been fixed
    course: Course | None  # where the study adds seeds until decided
    look: Look | None  # the last one taken
    mean: float
    low: float
    high: float
    seeds: int  # of the variant that count; 0 where there is no effect
    planned: int  # seeds that were asked for
    simultaneous: Interval  # holds over all contrasts at once
    word: Word | None  # None where there is no verdict
    why: str  # the reason for that
    more: MoreSeeds | None  # that would decide, where it can be computed
    incomplete: str  # which runs are missing and why; "" where there are all

    @property
    def verdict_word(self) -> str:
        """The verdict as tables and figures show it: "identical" and "no verdict" too."""
        return "identical" if self.word and self.identical else self.word or "no verdict"

    @property
    def identical(self) -> bool:
        """Whether the two are the same to the bit."""
        return self.verdict.identical


@dataclass(frozen=True)
class Judgement:
    """All contrasts of a study, in study order."""

    contrasts: tuple[Judged, ...]  # against the baseline
    pairs: tuple[Judged, ...]  # variants with each other, in the same family
    controls: tuple[Judged, ...]
    outliers: tuple[Outlier, ...] = ()

    @property
    def sequential(self) -> bool:
        """Whether seeds are added until decided."""
        return any(row.course for row in self.contrasts)

    @property
    def family(self) -> int:
        """How many contrasts are decided together."""
        return len(self.contrasts) + len(self.pairs)


@lru_cache(maxsize=8)
def judgement(results: Results) -> Judgement:
    """Judge a study; the same value for the same results."""
    names, table = compared(results), _table(results)
    judged = _judged(results, names, table)
    checks = _family(results, controls(results), table, ())
    scores = {name: table.by_seed(name) for name in (results.facts.baseline, *names)}
    return replace(judged, controls=checks, outliers=outliers(scores))


def spreads(results: Results) -> tuple[float, float]:
    """Standard deviations of a run over seeds: pooled over the variants, and of the baseline.

    0 where it is unknown.
    """
    table, names = _table(results), (results.facts.baseline, *compared(results))
    of = sample(table.scores(names))
    known = of.n[1:] > 1
    freedom = (of.n[1:] - 1)[known]
    squares = float((of.sd[1:][known] ** 2 * freedom).sum())
    pooled = (squares / float(freedom.sum())) ** 0.5 if known.any() else 0.0
    return pooled, float(of.sd[0]) if of.n[0] > 1 else 0.0


def without_outliers(results: Results) -> Judgement:
    """The same study judged without the runs that are named as outliers."""
    table = _table(results)
    kept = {name: dict(planned) for name, planned in table.cells.items()}
    for one in judgement(results).outliers:
        kept[one.variant][one.seed] = replace(kept[one.variant][one.seed], score=nan)
    return _judged(results, compared(results), _Table(kept))


def _judged(results: Results, names: Sequence[str], table: _Table) -> Judgement:
    facts = results.facts
    if not facts.looks or not names:
        pairs = [pair for pair in facts.compare if set(pair) <= set(names)]
        found = _family(results, names, table, pairs)
        return Judgement(found[: len(names)], found[len(names) :], ())
    rows = (facts.baseline, *names)
    taken = sequential(
        table.scores(rows), _rules(results), facts.looks, [table.lost(name) for name in rows]
    )
    return Judgement(_family(results, names, table, (), taken), (), ())


def _rules(results: Results, pairs: tuple[tuple[int, int], ...] = ()) -> Rules:
    facts = results.facts
    return Rules(facts.min_effect or None, facts.better, facts.paired, pairs)


def _family(
    results: Results,
    names: Sequence[str],
    table: _Table,
    pairs: Sequence[tuple[str, str]],
    courses: Sequence[Course] = (),
) -> tuple[Judged, ...]:
    """The contrasts of one family; `courses` where the study has looks."""
    if not names:
        return ()
    rows = (results.facts.baseline, *names)
    rules = _rules(results, tuple((rows.index(a), rows.index(b)) for a, b in pairs))
    found = verdicts(table.scores(rows), rules)
    both = [*((name, rows[0]) for name in names), *pairs]
    return tuple(
        _quoted(table, a, b, found[k], courses[k] if courses else None)
        for k, (a, b) in enumerate(both)
    )


def _quoted(
    table: _Table, name: str, against: str, verdict: Verdict, course: Course | None
) -> Judged:
    """What is quoted of one contrast."""
    look = course.looks[-1] if course and course.looks else None
    quoted, simultaneous = verdict.interval, verdict.simultaneous
    asked, word, why = len(table.cells.get(name, ())), verdict.word, verdict.why
    if course is not None:
        quoted = look.repeated if look else Interval(verdict.effect, nan, nan, verdict.n)
        asked = look.seeds if look else verdict.n
        simultaneous, word = quoted, course.word
        why = why or ("" if word else "too few seeds at this look")
        if look is None:
            why = f"the first look waits for {course.next_look} seeds"
    reason = table.reason(name, against)
    own, other = table.scores((name, against))
    apart = own - other
    missing = asked - quoted.count
    incomplete = f"{missing} of {asked} seeds missing" if missing else ""
    return Judged(
        variant=name,
        against=against,
        differences=tuple(apart[np.isfinite(apart)].tolist()),
        verdict=verdict,
        course=course,
        look=look,
        mean=quoted.mean,
        low=quoted.low,
        high=quoted.high,
        seeds=quoted.count if quoted.mean == quoted.mean else 0,
        planned=asked,
        simultaneous=simultaneous,
        word=word,
        why=why,
        more=None if course else verdict.more,
        incomplete=": ".join(part for part in (incomplete, reason) if part),
    )


@dataclass(frozen=True)
class _Table:
    """The planned cells, by variant and seed."""

    cells: Mapping[str, Mapping[int, Cell]]

    @cached_property
    def seeds(self) -> list[int]:
        return sorted({seed for planned in self.cells.values() for seed in planned})

    def scores(self, names: Sequence[str]) -> Floats:
        """(variants, seeds), NaN where there is no score."""
        rows = [self.by_seed(name) for name in names]
        return np.array([[row.get(seed, nan) for seed in self.seeds] for row in rows])

    def by_seed(self, name: str) -> dict[int, float]:
        """The scores that are there."""
        planned = self.cells.get(name, {}).items()
        return {seed: cell.score for seed, cell in planned if isfinite(cell.score)}

    def lost(self, name: str) -> list[bool]:
        """By seed, whether the run will never give a score."""
        planned = self.cells.get(name, {})
        return [seed in planned and planned[seed].state in LOST for seed in self.seeds]

    def reason(self, name: str, against: str) -> str:
        """The state of the missing runs: "failed (diverged): seed 3; plain missing: seed 4"."""
        found: dict[str, list[str]] = {}
        for who, named in ((name, ""), (against, f"{against} ")):
            for seed, cell in self.cells.get(who, {}).items():
                if not isfinite(cell.score):
                    reason = f" ({cell.reason})" if cell.reason else ""
                    found.setdefault(f"{named}{cell.lacks}{reason}", []).append(str(seed))
        return "; ".join(
            f"{word}: seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"
            for word, seeds in found.items()
        )


def _table(results: Results) -> _Table:
    return _Table(
        {name: {c.seed: c for c in planned} for name, planned in by_variant(results).items()}
    )


Outcome = Literal["passed", "failed", "open"]


def control_outcome(control: Judged) -> tuple[Outcome, str]:
    """Whether a control holds, and the sentence on it."""
    name, word = control.variant, control.word
    if word is None:
        return "open", f"{name} has {control.verdict.why}"
    if name == "identity":
        if control.identical:
            same = "identity equals the baseline to the bit: the random numbers were the same"
            return "failed", same
        if word in ("helps", "hurts"):
            other = "identity, the baseline with other random numbers"
            return "failed", f"{other}, {word}: it must not differ"
        return "passed", f"identity is {word}"
    if word == "hurts":
        return "passed", f"{name} hurts"
    says = {"helps": "helps", "equivalent": "is equivalent", "unresolved": "is not shown to hurt"}
    return "failed", f"{name}, which is degraded deliberately, {says[word]}: it must hurt"
