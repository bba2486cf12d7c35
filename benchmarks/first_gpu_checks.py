"""What a check of `first_gpu.py` is and what it finds. Imports nothing of srbench or torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["passed", "failed", "measured", "skipped", "not reached"]
WORST_FIRST: tuple[Outcome, ...] = ("failed", "not reached", "passed", "measured", "skipped")

SHOWN = 4  # differences in one line


@dataclass(frozen=True)
class Given:
    """What the checks are to work with."""

    device: str
    steps: int = 100  # that a timed training takes at least
    laps: int = 7  # of what events time: the median counts
    epochs: int = 16  # of the quickstart study
    tests: str = "tests"  # where tests for a GPU are looked for
    seconds: float = math.inf  # that the case under way may take


@dataclass(frozen=True)
class Finding:
    """One line: a comparison, or figures whose keys name their units."""

    what: str
    outcome: Outcome
    said: str = ""
    values: dict[str, float | None] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.outcome == "measured":
            text = self.said
        elif self.outcome == "passed":
            text = f"passed ({self.said})" if self.said else "passed"
        else:
            text = f"{self.outcome}: {self.said}"
        return f"{self.what}: {text}" if self.what else text


def compared(what: str, number: int, of: str, problems: Sequence[str]) -> Finding:
    """Passed only where something was compared and nothing differs; `problems` say what does."""
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        return Finding(what, "failed", "; ".join(problems[:SHOWN]) + more)
    if number == 0:
        return Finding(what, "failed", f"no {of} to compare")
    return Finding(what, "passed", f"{number} {of} compared")


def figure(what: str, said: str, **values: float) -> Finding:
    """Figures, in words and as numbers; a number that is not finite becomes null in JSON."""
    finite = {key: value if math.isfinite(value) else None for key, value in values.items()}
    return Finding(what, "measured", said, finite)


Work = Callable[[Given, str], Iterator[Finding]]
"""Takes one case of a check; the first line of its docstring says what the check shows."""


@dataclass(frozen=True)
class Check:
    """A named check, the seconds it may take, and its cases: if one goes wrong, others go on."""

    name: str
    work: Work
    seconds: float
    cases: tuple[str, ...] = ("",)

    @property
    def shows(self) -> str:
        return (self.work.__doc__ or "").partition("\n")[0]


def outcome_of(findings: Sequence[Finding]) -> Outcome:
    """A check's outcome: the worst of its findings."""
    found = {finding.outcome for finding in findings}
    return next((outcome for outcome in WORST_FIRST if outcome in found), "failed")
