"""What was decided on every contrast, once for page, tables, sentences and claims.

Variants are one family; controls are judged in a family of their own. Where a study adds seeds
until decided, the sequential course decides and its repeated intervals stand in for both others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, nan
from typing import Literal

from srbench.analysis.looks import Course, Look, Schedule, sequential
from srbench.analysis.power import MoreSeeds
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import Cell, cells, compared, controls
from srbench.analysis.significance import Better
from srbench.analysis.verdicts import Verdict, Word, verdicts

LOST = frozenset({"failed", "pruned"})  # runs that will never give a score


@dataclass(frozen=True)
class Judged:
    """One contrast, variant - baseline: what is quoted of it, and the verdict."""

    variant: str
    seeds: tuple[int, ...]  # that variant and baseline both have
    differences: tuple[float, ...]  # one a seed
    verdict: Verdict  # of all pairs that are there, as if their number had been fixed
    course: Course | None  # where the study adds seeds until decided

    @property
    def look(self) -> Look | None:
        """The last look taken, which is what a sequential study quotes."""
        return self.course.looks[-1] if self.course and self.course.looks else None

    @property
    def word(self) -> Word | None:
        """The verdict; None where none may be given."""
        return self.course.word if self.course else self.verdict.word

    @property
    def verdict_word(self) -> str:
        """The verdict as tables and figures show it: "identical" and "no verdict" too."""
        return "identical" if self.word and self.identical else self.word or "no verdict"

    @property
    def why(self) -> str:
        """Why there is no verdict."""
        if self.course is not None and self.look is None:
            return f"the first look waits for {self.course.next_look} seeds"
        return self.verdict.why or ("" if self.word else "too few pairs at this look")

    @property
    def mean(self) -> float:
        """The effect quoted: of the last look, or of all pairs."""
        return self.look.effect if self.look else self.verdict.effect

    @property
    def pairs(self) -> int:
        """Seeds behind the effect that is quoted."""
        return self.look.n if self.look else self.verdict.n

    @property
    def low(self) -> float:
        """Lower end of the interval that sentences quote: 95 % t, or the repeated one."""
        return self._ends[0]

    @property
    def high(self) -> float:
        """Its upper end."""
        return self._ends[1]

    @property
    def simultaneous_low(self) -> float:
        """Lower end of the interval that holds over all contrasts at once."""
        return self.verdict.simultaneous.low if self.course is None else self.low

    @property
    def simultaneous_high(self) -> float:
        """Its upper end."""
        return self.verdict.simultaneous.high if self.course is None else self.high

    @property
    def more(self) -> MoreSeeds | None:
        """How many more seeds would settle it, where that can be said."""
        return self.verdict.more if self.course is None else None

    @property
    def incomplete(self) -> str:
        """Which pairs are missing and why; "" where each that was asked for is there."""
        if self.course is None:
            return self.verdict.incomplete
        if self.look is None or self.look.n == self.look.seeds:
            return ""
        why = self.verdict.incomplete.partition(": ")[2]
        missing = f"{self.look.seeds - self.look.n} of {self.look.seeds} pairs missing"
        return f"{missing}: {why}" if why else missing

    @property
    def identical(self) -> bool:
        """Whether the two are the same to the bit."""
        return self.verdict.identical

    @property
    def excludes_zero(self) -> bool:
        """Whether the quoted interval lies on one side of zero; False without an interval."""
        return bool(self.low > 0 or self.high < 0)

    @property
    def _ends(self) -> tuple[float, float]:
        if self.course is None:
            return self.verdict.interval.low, self.verdict.interval.high
        return (self.look.repeated.low, self.look.repeated.high) if self.look else (nan, nan)


@dataclass(frozen=True)
class Judgement:
    """All contrasts of a study, in study order."""

    contrasts: tuple[Judged, ...]
    controls: tuple[Judged, ...]
    schedule: Schedule | None  # of the looks, where seeds are added until decided
    better: Better

    def count(self, word: Word) -> int:
        """How many contrasts came out so."""
        return sum(row.word == word for row in self.contrasts)


@lru_cache(maxsize=8)
def judgement(results: Results) -> Judgement:
    """Judge a study; the same value for the same results."""
    facts = results.facts
    better: Better = "lower" if facts.lower_is_better else "higher"
    table = {(cell.variant, cell.seed): cell for cell in cells(results)}
    seeds = sorted({seed for _, seed in table})
    contrasts = _fixed(results, compared(results), seeds, table, better)
    checks = _fixed(results, controls(results), seeds, table, better)
    if not facts.looks or not contrasts:
        return Judgement(contrasts, checks, None, better)
    names = [row.variant for row in contrasts]
    lost = [[_lost(table, name, facts.baseline, seed) for seed in seeds] for name in names]
    found = sequential(
        [_row(table, name, facts.baseline, seeds) for name in names],
        facts.min_effect, better, facts.looks, lost,
    )  # fmt: skip
    followed = tuple(
        Judged(row.variant, row.seeds, row.differences, row.verdict, course)
        for row, course in zip(contrasts, found.rows, strict=True)
    )
    return Judgement(followed, checks, found.schedule, better)


Table = dict[tuple[str, int], Cell]


def _fixed(
    results: Results, names: Sequence[str], seeds: list[int], table: Table, better: Better
) -> tuple[Judged, ...]:
    if not names:
        return ()
    base = results.facts.baseline
    rows = [_row(table, name, base, seeds) for name in names]
    reasons = [_reason(table, name, base, seeds) for name in names]
    found = verdicts(rows, results.facts.min_effect or None, better, reasons)
    return tuple(
        Judged(
            name,
            tuple(seed for seed, x in zip(seeds, row, strict=True) if isfinite(x)),
            tuple(x for x in row if isfinite(x)),
            verdict,
            None,
        )
        for name, row, verdict in zip(names, rows, found.rows, strict=True)
    )


def _row(table: Table, name: str, base: str, seeds: list[int]) -> list[float]:
    """Differences by seed, NaN where either is missing."""
    return [_score(table, name, seed) - _score(table, base, seed) for seed in seeds]


def _score(table: Table, name: str, seed: int) -> float:
    cell = table.get((name, seed))
    return cell.score if cell and isfinite(cell.score) else nan


def _lost(table: Table, name: str, base: str, seed: int) -> bool:
    both = (table.get((name, seed)), table.get((base, seed)))
    return any(cell is not None and cell.state in LOST for cell in both)


def _reason(table: Table, name: str, base: str, seeds: list[int]) -> str:
    """What became of the missing pairs: "seed 3 failed (diverged), plain seed 4 missing"."""
    message: dict[str, list[str]] = {}
    for who in (name, base):
        for seed in seeds:
            cell = table.get((who, seed))
            if cell is None or isfinite(cell.score):
                continue
            word = "not scored" if cell.state == "done" else cell.state
            word += f" ({cell.reason})" if cell.reason else ""
            message.setdefault(f"{f'{base} ' if who == base else ''}{word}", []).append(str(seed))
    return "; ".join(
        f"{word}: seed{'' if len(of) == 1 else 's'} {', '.join(of)}" for word, of in message.items()
    )


Outcome = Literal["passed", "failed", "open"]


def control_outcome(control: Judged) -> tuple[Outcome, str]:
    """Whether a control came out as it must, and the sentence that says so."""
    name, word = control.variant, control.word
    if word is None:
        return "open", f"{name} has {control.verdict.why}"
    if name == "identity":
        if control.identical:
            return (
                "failed",
                "identity equals the baseline to the bit: the random numbers were the same",
            )
        if word in ("helps", "hurts"):
            return (
                "failed",
                f"identity, the baseline with other random numbers, {word}: it must not differ",
            )
        return "passed", f"identity is {word}"
    if word == "hurts":
        return "passed", f"{name} hurts"
    says = {"helps": "helps", "equivalent": "is equivalent", "unresolved": "is not shown to hurt"}
    return "failed", f"{name}, which is degraded on purpose, {says[word]}: it must hurt"
