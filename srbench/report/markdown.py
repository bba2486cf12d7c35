"""Tables in GitHub's Markdown, and the verdicts as a note for Optuna's dashboard."""

from __future__ import annotations

import re

from srbench.analysis.answer import answer, interpolation_note, warnings
from srbench.analysis.claims import claims_shown
from srbench.analysis.results import Results
from srbench.analysis.search_results import search_heading, search_text, searched
from srbench.core.table import Table
from srbench.report.effects import effects_shown


def effects_note(results: Results) -> str:
    """Question, answer, verdicts and claims; whatever a study is called, it stays text."""
    lines = [f"## {_plain(results.facts.question or results.facts.name)}", ""]
    for message in (*warnings(results), answer(results)):
        lines += [_plain(message), ""]
    for table in (effects_shown(results), claims_shown(results)):
        lines += markdown_lines(table)
    note = interpolation_note(results)
    lines += [_plain(note), ""] if note else []
    lines.append(f"Plan `{results.facts.plan[:16]}`.")
    return "\n".join(lines) + "\n"


def search_note(results: Results) -> str:
    """What a search has found so far, and what became of it on fresh seeds."""
    lines = [f"## {_plain(results.facts.question or results.facts.name)}", ""]
    if searched(results):
        lines += [_plain(search_heading(results)) + ".", "", _plain(search_text(results)), ""]
    lines += ["### Confirmation, on fresh seeds and unseen images", "", _plain(answer(results)), ""]
    return "\n".join([*lines, *markdown_lines(effects_shown(results))]) + "\n"


def markdown_table(table: Table) -> str:
    """A table with its caption below; empty where there are no rows."""
    lines = markdown_lines(table)
    return "\n".join([*lines, _plain(table.caption)]) + "\n" if lines else ""


def markdown_lines(table: Table) -> list[str]:
    """A table's lines, and an empty one; none where there are no rows."""
    if not table.rows:
        return []
    lines = ["| " + " | ".join(_plain(c.title) for c in table.columns) + " |"]
    lines.append("|" + "|".join("---:" if c.numeric else "---" for c in table.columns) + "|")
    for row in table.rows:
        pairs = zip(row, table.columns, strict=True)
        lines.append("| " + " | ".join(_plain(table.cell(v, c)) for v, c in pairs) + " |")
    return [*lines, ""]


def _plain(text: str) -> str:
    escaped = re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", text).replace("\n", " ")
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
