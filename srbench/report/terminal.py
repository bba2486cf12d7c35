"""The report on a terminal, in the page's voice: answer, effects, claims, facts, failures."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from srbench.analysis.answer import answer, interpolation_note, warnings
from srbench.analysis.claims import claims_heading, claims_of, claims_shown
from srbench.analysis.limits import facts_line
from srbench.analysis.quality_cost import twins_named
from srbench.analysis.ranking import drawn_text, in_figures
from srbench.analysis.results import Results
from srbench.analysis.search_results import confirmed_text
from srbench.core.rich_table import rich_table
from srbench.core.table import Mark, Table
from srbench.report.effects import effects_shown
from srbench.report.failures import failures_shown
from srbench.report.summary import Line, Summary

NARROW = (
    "variant", "verdict", "effect", "low", "high", "seeds", "p_holm", "p_look", "more_seeds",
    "parameters_more", "runs",
)  # fmt: skip
MOST_FAILURES = 10


def summary(results: Results) -> Summary:
    """What `srbench run` ends with and `srbench report` prints."""
    facts = results.facts
    parts: list[Line | Table] = [
        Line(facts.question or facts.name, "bold"),
        *(Line(warning, "yellow") for warning in warnings(results)),
        Line(answer(results)),
    ]
    effects, shown = effects_shown(results), {e.variant for e in in_figures(results)}
    effects = replace(effects, rows=tuple(row for row in effects.rows if row[0] in shown))
    if effects.rows:
        keep = [i for i, c in enumerate(effects.columns) if c.key.startswith(NARROW)]
        parts.append(_columns(effects, [i for i in keep if _says_something(effects, i)]))
        named = confirmed_text(results), twins_named(results)
        notes = *named, drawn_text(results), interpolation_note(results)
        parts += [Line(note, "dim") for note in notes if note]
    if claims_of(results):
        parts.append(Line(claims_heading(results)))
    phrase = " \u00b7 ".join(f"{head} {value}" for head, value in facts_line(results))
    parts.append(Line(phrase, "dim"))
    return Summary((*parts, *_failures(results)))


def _columns(table: Table, keep: list[int]) -> Table:
    columns = tuple(table.columns[i] for i in keep)
    rows = tuple(tuple(row[i] for i in keep) for row in table.rows)
    return Table(table.name, table.caption, columns, rows)


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


def _failures(results: Results) -> list[Line]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for variant, seed, state, reason, message in failures_shown(results).rows:
        key = str(state), str(variant), ", ".join(str(x) for x in (reason, message) if x)
        groups.setdefault(key, []).append(str(seed))
    lines: list[Line] = []
    for (state, variant, why), seeds in list(groups.items())[:MOST_FAILURES]:
        word = "seed" if len(seeds) == 1 else "seeds"
        phrase = f"{state}: {variant}, {word} {', '.join(seeds)}"
        lines.append(Line(phrase + (f" ({why})" if why else "")))
    if len(groups) > MOST_FAILURES:
        lines.append(Line(f"and {len(groups) - MOST_FAILURES} more lines like these"))
    return lines
