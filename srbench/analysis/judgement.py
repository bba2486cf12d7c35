"""What was decided on every contrast, once for page, tables, sentences and claims.

Variants are one family; controls are judged in a family of their own. Where a study adds seeds
until decided, the sequential test decides and its repeated intervals replace both others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, nan
from typing import Literal

from srbench.analysis.effects import Interval
from srbench.analysis.looks import Course, Look, Schedule, sequential
from srbench.analysis.power import MoreSeeds
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import Cell, cells, compared, controls
from srbench.analysis.verdicts import Verdict, Word, verdicts

LOST = frozenset({"failed", "pruned"})  # runs that will never give a score


@dataclass(frozen=True)
class Judged:
    """One contrast, variant - baseline: what is quoted of it, and the verdict.

    A sequential study quotes the last look taken, with its repeated interval; others quote all
    pairs, with the 95 % t interval.
    """

    variant: str
    differences: tuple[float, ...]  # one for each seed that variant and baseline both have
    verdict: Verdict  # of all pairs that are there, as if their number had been fixed
    course: Course | None  # where the study adds seeds until decided
    look: Look | None  # the last one taken
    mean: float
    low: float
    high: float
    pairs: int
    simultaneous: Interval  # holds over all contrasts at once
    word: Word | None  # None where there is no verdict
    why: str  # the reason for that
    more: MoreSeeds | None  # that would decide, where it can be computed
    incomplete: str  # which pairs are missing and why; "" where there are all

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

    contrasts: tuple[Judged, ...]
    controls: tuple[Judged, ...]
    schedule: Schedule | None  # of the looks, where seeds are added until decided


@lru_cache(maxsize=8)
def judgement(results: Results) -> Judgement:
    """Judge a study; the same value for the same results."""
    facts, names = results.facts, compared(results)
    pairs = _Pairs({(cell.variant, cell.seed): cell for cell in cells(results)}, facts.baseline)
    checks = _family(results, controls(results), pairs)
    if not facts.looks or not names:
        return Judgement(_family(results, names, pairs), checks, None)
    found = sequential(
        [pairs.differences(name) for name in names],
        facts.min_effect, facts.better, facts.looks, [pairs.lost(name) for name in names],
    )  # fmt: skip
    contrasts = _family(results, names, pairs, found.rows)
    return Judgement(contrasts, checks, found.schedule)


def _family(
    results: Results, names: Sequence[str], pairs: _Pairs, courses: Sequence[Course] = ()
) -> tuple[Judged, ...]:
    """The contrasts of one family; `courses` where the study has looks."""
    if not names:
        return ()
    facts = results.facts
    rows = [pairs.differences(name) for name in names]
    found = verdicts(rows, facts.min_effect or None, facts.better)
    return tuple(
        _judged(name, rows[k], found[k], courses[k] if courses else None, pairs.reason(name))
        for k, name in enumerate(names)
    )


def _judged(
    name: str, row: Sequence[float], verdict: Verdict, course: Course | None, reason: str
) -> Judged:
    """What is quoted of one contrast."""
    look = course.looks[-1] if course and course.looks else None
    quoted, simultaneous = verdict.interval, verdict.simultaneous
    asked, word, why = verdict.planned, verdict.word, verdict.why
    if course is not None:
        quoted = look.repeated if look else Interval(verdict.effect, nan, nan, verdict.n)
        asked = look.seeds if look else verdict.n
        simultaneous, word = quoted, course.word
        why = why or ("" if word else "too few pairs at this look")
        if look is None:
            why = f"the first look waits for {course.next_look} seeds"
    missing = asked - quoted.count
    incomplete = f"{missing} of {asked} pairs missing" + (f": {reason}" if reason else "")
    return Judged(
        variant=name,
        differences=tuple(x for x in row if isfinite(x)),
        verdict=verdict,
        course=course,
        look=look,
        mean=quoted.mean,
        low=quoted.low,
        high=quoted.high,
        pairs=quoted.count,
        simultaneous=simultaneous,
        word=word,
        why=why,
        more=None if course else verdict.more,
        incomplete=incomplete if missing else "",
    )


@dataclass(frozen=True)
class _Pairs:
    """The planned cells of every variant and the baseline, by seed."""

    cells: Mapping[tuple[str, int], Cell]
    baseline: str

    @property
    def seeds(self) -> list[int]:
        return sorted({seed for _, seed in self.cells})

    def score(self, name: str, seed: int) -> float:
        cell = self.cells.get((name, seed))
        return cell.score if cell and isfinite(cell.score) else nan

    def differences(self, name: str) -> list[float]:
        """By seed, NaN where either is missing."""
        return [self.score(name, seed) - self.score(self.baseline, seed) for seed in self.seeds]

    def lost(self, name: str) -> list[bool]:
        """By seed, whether either run will never give a score."""
        cells = self.cells
        return [
            any(
                (key in cells and cells[key].state in LOST)
                for key in ((name, s), (self.baseline, s))
            )
            for s in self.seeds
        ]

    def reason(self, name: str) -> str:
        """The state of the missing runs: "failed (diverged): seed 3; plain missing: seed 4"."""
        found: dict[str, list[str]] = {}
        for who, named in ((name, ""), (self.baseline, f"{self.baseline} ")):
            for seed in self.seeds:
                cell = self.cells.get((who, seed))
                if cell is not None and not isfinite(cell.score):
                    word = "not scored" if cell.state == "done" else cell.state
                    word += f" ({cell.reason})" if cell.reason else ""
                    found.setdefault(f"{named}{word}", []).append(str(seed))
        return "; ".join(
            f"{word}: seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"
            for word, seeds in found.items()
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
