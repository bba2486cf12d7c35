"""The report on a terminal, in the page's voice: answer, effects, claims, facts, failures."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from srbench.analysis.answer import answer, warnings, yardstick_note
from srbench.analysis.limits import facts_line
from srbench.analysis.results import Results
from srbench.analysis.study_claims import claims_heading, claims_of, claims_shown
from srbench.core.table import Column, Mark, Table, Value
from srbench.report.table_effects import effects_shown
from srbench.report.table_runs import failures_shown

NARROW = (
    "variant", "verdict", "effect", "low", "high", "seeds", "p_holm", "p_look", "more_seeds",
    "parameters_more", "runs",
)  # fmt: skip
MOST_FAILURES = 10
LONGEST_NAME = 28  # characters of a variant's name on one line
LONGEST_WORD = 16  # of a text, that is not broken
LEAST_COLUMNS, GAP = 5, 2  # however narrow it is; characters between two
WIDEST = 1000


def summary(results: Results) -> RenderableType:
    """What `srbench run` ends with and `srbench report` prints."""
    facts = results.facts
    parts: list[RenderableType] = [
        Text(facts.question or facts.name, style="bold"),
        *(Text(warning, style="yellow") for warning in warnings(results)),
        Text(answer(results)),
    ]
    effects = effects_shown(results)
    if effects.rows:
        keep = [i for i, c in enumerate(effects.columns) if c.key.startswith(NARROW)]
        keep = [i for i in keep if _says_something(effects, i)]
        parts.append(Padding(_Fitting(effects, keep), (1, 0)))
        note = yardstick_note(results)
        parts += [Text(note, style="dim")] if note else []
    if claims_of(results):
        parts.append(Text(claims_heading(results)))
    said = " \u00b7 ".join(f"{head} {value}" for head, value in facts_line(results))
    parts.append(Text(said, style="dim"))
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
        out = rich_table(self.table, keep)
        if (
            Measurement.get(console, options.update(max_width=WIDEST), out).maximum
            > options.max_width
        ):
            for column, i in zip(out.columns, keep, strict=True):
                if self.table.columns[i].numeric:  # headings wrap, so that words have the room
                    column.width = _longest_word(self.table, i)
        yield out

    def _width(self, keep: list[int]) -> int:
        return sum(_longest_word(self.table, i) + GAP for i in keep)


def _longest_word(table: Table, place: int) -> int:
    """Characters of the longest word in a column and its heading."""
    column = table.columns[place]
    cells = [table.cell(row[place], column) for row in table.rows]
    return max(len(word) for word in " ".join([column.title, *cells]).split())


def rich_table(table: Table, keep: list[int]) -> RichTable:
    out = RichTable(box=None, pad_edge=False, header_style="bold")
    for place, i in enumerate(keep):
        column = table.columns[i]
        named = place == 0
        names = [table.cell(row[i], column) for row in table.rows] if named else []
        out.add_column(
            Text(column.title),
            justify="right" if column.numeric else "left",
            overflow="fold",
            min_width=min(_longest_word(table, i), LONGEST_NAME if named else LONGEST_WORD),
            no_wrap=named and max(map(len, names), default=0) <= LONGEST_NAME,
        )
    for row in table.rows:
        out.add_row(*(_cell(table, row[i], table.columns[i]) for i in keep))
    return out


def _says_something(table: Table, column: int) -> bool:
    """Whether a column is worth its width: not where all runs are done, or nothing is wanting."""
    values = [row[column] for row in table.rows]
    match table.columns[column].key:
        case "runs":
            return not all(str(value).replace(" done", "").isdecimal() for value in values)
        case "more_seeds":
            return any(values)
        case "p_holm" | "p_look":
            return not all(isinstance(value, Mark) for value in values)
    return True


def _cell(table: Table, value: Value, column: Column) -> Text:
    return Text(table.cell(value, column), style="italic" if isinstance(value, Mark) else "")


def _failures(results: Results) -> list[RenderableType]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for variant, seed, state, reason, message in failures_shown(results).rows:
        key = str(state), str(variant), ", ".join(str(x) for x in (reason, message) if x)
        groups.setdefault(key, []).append(str(seed))
    lines: list[RenderableType] = []
    for (state, variant, why), seeds in list(groups.items())[:MOST_FAILURES]:
        word = "seed" if len(seeds) == 1 else "seeds"
        said = f"{state}: {variant}, {word} {', '.join(seeds)}"
        lines.append(Text(said + (f" ({why})" if why else "")))
    if len(groups) > MOST_FAILURES:
        lines.append(Text(f"and {len(groups) - MOST_FAILURES} more lines like these"))
    return lines
