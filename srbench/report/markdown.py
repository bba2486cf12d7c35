"""The effects as a note in GitHub's Markdown, for Optuna's dashboard."""

from __future__ import annotations

import re

from srbench.report.table_effects import effects_shown
from srbench.report.words import answer, yardstick_note
from srbench.results import Results


def effects_note(results: Results) -> str:
    """Question, answer and effects table; whatever a study is called, it stays text."""
    table = effects_shown(results)
    lines = [f"## {_plain(results.facts.question or results.facts.name)}", ""]
    lines += [_plain(answer(results)), ""]
    if table.rows:
        lines.append("| " + " | ".join(_plain(c.title) for c in table.columns) + " |")
        lines.append("|" + "|".join("---:" if c.numeric else "---" for c in table.columns) + "|")
        for row in table.rows:
            pairs = zip(row, table.columns, strict=True)
            lines.append("| " + " | ".join(_plain(table.cell(v, c)) for v, c in pairs) + " |")
        lines.append("")
    note = yardstick_note(results)
    lines += [_plain(note), ""] if note else []
    lines.append(f"Plan `{results.facts.plan[:16]}`. Effects are paired by seed.")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    escaped = re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", text).replace("\n", " ")
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
