"""Lists for the terminal: parts, one run, rows of SQL, checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from srbench.cli.checkup import Check
from srbench.core.csv_text import line
from srbench.core.errors import InputError

Words = dict[str, Any]


def parts_listed(words: Words, name: str | None) -> RenderableType:
    """All slots, one slot's parts, or everything about a part.

    Raises:
        InputError: there is no slot or part of that name.
    """
    if name is None:
        return _slots(words)
    found = parts_found(words, name)
    if name in words:
        return _slot(name, found[name])
    return Group(*(_part(slot, name, about["parts"][name]) for slot, about in found.items()))


def parts_found(words: Words, name: str) -> Words:
    """The slot of that name, or each slot with a part of that name and that part alone.

    Raises:
        InputError: there is no slot or part of that name.
    """
    if name in words:
        return {name: words[name]}
    found = {
        slot: {**about, "parts": {name: about["parts"][name]}}
        for slot, about in words.items()
        if name in about["parts"]
    }
    if not found:
        known = [*words, *(p for w in words.values() for p in w["parts"])]
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"there is no slot or part {name!r}{hint} (srbench blocks lists them)")
    return found


def _slots(words: Words) -> RenderableType:
    table = table_of("slot", "is", "parts")
    for slot, about in words.items():
        table.add_row(Text(slot, style="bold"), about["about"], ", ".join(about["parts"]))
    return Group(table, Text("srbench blocks NAME tells more of a slot or a part.", style="dim"))


def _slot(slot: str, about: Words) -> RenderableType:
    table = table_of(slot, "does", "settings")
    for name, part in about["parts"].items():
        settings = ", ".join(f"{k}: {v['default']}" for k, v in part["settings"].items())
        table.add_row(Text(name, style="bold"), Text(part["summary"]), Text(settings))
    given = f" It is given ({', '.join(about['gives'])})." if about["gives"] else ""
    return Group(Text(f"{slot}: {about['about']}.{given}"), table)


def _part(slot: str, name: str, part: Words) -> RenderableType:
    table = table_of("setting", "type", "default")
    for key, setting in part["settings"].items():
        table.add_row(Text(key, style="bold"), setting["type"], Text(setting["default"]))
    lines: list[RenderableType] = [
        Text(f"{slot}: {name}", style="bold"),
        Padding(Text(part["text"]), (0, 0, 1, 2)),
    ]
    if part["settings"]:
        lines.append(Padding(table, (0, 0, 0, 2)))
    return Group(*lines, Text(f"defined in {part['module']}", style="dim"))


def run_shown(run: Words) -> RenderableType:
    """One run, key by key."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in run.items():
        table.add_row(key.replace("_", " "), Text(_shown(value)))
    return table


def rows_listed(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> RenderableType:
    """The answer to a SELECT."""
    table = table_of(*columns)
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    return table


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The answer to a SELECT as CSV."""
    return "".join(map(line, (columns, *rows)))


def reproduced(runs: Sequence[Words], seed: int) -> RenderableType:
    """How runs that were made again came out."""
    table = table_of("run", "study", "variant", "seed", "outcome", "detail")
    styles = {"identical": "green", "changed": "yellow"}
    for run in runs:
        outcome = Text(run["outcome"], style=styles.get(run["outcome"], "bold red"))
        named = (Text(str(run[key])) for key in ("run", "study", "variant", "seed"))
        table.add_row(*named, outcome, Text(run["detail"]))
    same = sum(run["outcome"] == "identical" for run in runs)
    note = f"{same} of {len(runs)} came out identical; drawn by --seed {seed}."
    return Group(table, Text(note, style="dim"))


def checks_listed(checks: Iterable[Check]) -> RenderableType:
    """What `srbench doctor` found."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    for check in checks:
        mark = Text("ok", style="green") if check.ok else Text("look", style="bold red")
        table.add_row(mark, Text(check.what, style="bold"), Text(check.found, overflow="fold"))
    return table


def table_of(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "\n".join(f"{k}: {_shown(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(_shown(v) for v in value)
    return "" if value is None else str(value)
