"""The report on a terminal, in the page's voice: answer, effects, claims, facts, failures."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

from srbench.analysis.answer import answer, interpolation_note, warnings
from srbench.analysis.limits import facts_line
from srbench.analysis.ranking import drawn_text, in_figures
from srbench.analysis.results import Results
from srbench.analysis.study_claims import claims_heading, claims_of, claims_shown
from srbench.core.rich_table import GAP, longest_word, rich_table
from srbench.core.table import Mark, Table
from srbench.report.effects import effects_shown
from srbench.report.failures import failures_shown

NARROW = (
    "variant", "verdict", "effect", "low", "high", "seeds", "p_holm", "p_look", "more_seeds",
    "parameters_more", "runs",
)  # fmt: skip
MOST_FAILURES = 10
LEAST_COLUMNS = 5  # however narrow the terminal is


def summary(results: Results) -> RenderableType:
    """What `srbench run` ends with and `srbench report` prints."""
    facts = results.facts
    parts: list[RenderableType] = [
        Text(facts.question or facts.name, style="bold"),
        *(Text(warning, style="yellow") for warning in warnings(results)),
        Text(answer(results)),
    ]
    effects, shown = effects_shown(results), {e.variant for e in in_figures(results)}
    effects = replace(effects, rows=tuple(row for row in effects.rows if row[0] in shown))
    if effects.rows:
        keep = [i for i, c in enumerate(effects.columns) if c.key.startswith(NARROW)]
        keep = [i for i in keep if _says_something(effects, i)]
        parts.append(Padding(_Fitting(effects, keep), (1, 0)))
        notes = drawn_text(results), interpolation_note(results)
        parts += [Text(note, style="dim") for note in notes if note]
    if claims_of(results):
        parts.append(Text(claims_heading(results)))
    phrase = " \u00b7 ".join(f"{head} {value}" for head, value in facts_line(results))
    parts.append(Text(phrase, style="dim"))
    parts += _failures(results)
    return Group(*parts)


def claims(results: Results) -> RenderableType:
    """What `srbench claims` prints: every claim, its status, and what that rests on."""
    facts = results.facts
    if not claims_of(results):
        return Text(f"{facts.name} names no claims.")
    table = claims_shown(results)
    keep = [i for i, column in enumerate(table.columns) if column.key != "test"]
    parts: list[RenderableType] = [Text(facts.question or facts.name, style="bold")]
    parts += [Text(warning, style="yellow") for warning in warnings(results)]
    parts += [Text(claims_heading(results)), Padding(rich_table(table, keep), (1, 0))]
    return Group(*parts)


class _Fitting:
    """A table without its last columns where the terminal is too narrow for their words."""

    def __init__(self, table: Table, keep: list[int]) -> None:
        self.table, self.keep = table, keep

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        keep = list(self.keep)
        while len(keep) > LEAST_COLUMNS and self._width(keep) > options.max_width:
            keep.pop()
        yield rich_table(self.table, keep)

    def _width(self, keep: list[int]) -> int:
        return sum(longest_word(self.table, i) + GAP for i in keep)


def _says_something(table: Table, column: int) -> bool:
    """Whether a column is worth its width: not where all runs are done, or nothing is missing."""
    values = [row[column] for row in table.rows]
    match table.columns[column].key:
        case "runs":
            return not all(str(value).replace(" done", "").isdecimal() for value in values)
        case "more_seeds":
            return any(values)
        case "p_holm" | "p_look":
            return not all(isinstance(value, Mark) for value in values)
    return True


def _failures(results: Results) -> list[RenderableType]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for variant, seed, state, reason, message in failures_shown(results).rows:
        key = str(state), str(variant), ", ".join(str(x) for x in (reason, message) if x)
        groups.setdefault(key, []).append(str(seed))
    lines: list[RenderableType] = []
    for (state, variant, why), seeds in list(groups.items())[:MOST_FAILURES]:
        word = "seed" if len(seeds) == 1 else "seeds"
        phrase = f"{state}: {variant}, {word} {', '.join(seeds)}"
        lines.append(Text(phrase + (f" ({why})" if why else "")))
    if len(groups) > MOST_FAILURES:
        lines.append(Text(f"and {len(groups) - MOST_FAILURES} more lines like these"))
    return lines
