"""The generated part of `db/README.md`: every table, view and column with its sentence.

    python -m srbench.store.describe db/README.md

A test compares the file with this output, so the page always describes the schema.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Column

from srbench.store.migrate import VERSION_TABLE
from srbench.store.tables import Base
from srbench.store.upsert import table_of
from srbench.store.views import VIEWS

MARK = "<!-- from here on made by: python -m srbench.store.describe db/README.md -->"


def described(page: str) -> str:
    """The page with everything after the mark generated again."""
    before, mark, _ = page.partition(MARK)
    if not mark:
        raise ValueError(f"the page lacks the line {MARK}")
    return before + MARK + "\n\n" + reference()


def reference() -> str:
    parts = ["## Views\n"]
    for view in VIEWS:
        rows = [(name, doc) for name, _, doc in view.columns]
        parts.append(section(view.name, view.doc, ("column", "what it holds"), rows))
    parts.append("## Tables\n")
    models = {table_of(mapper.class_): mapper.class_ for mapper in Base.registry.mappers}
    for table in Base.metadata.tables.values():
        model = models[table]
        rows_of = [(column.name, kind(column), column.doc or "") for column in table.columns]
        heads = ("column", "type", "what it holds")
        parts.append(section(table.name, inspect.getdoc(model) or "", heads, rows_of))
    version = [("version_num", "text", "version of the schema; a higher one than known is refused")]
    doc = "One row, written by the migrations."
    parts.append(section(VERSION_TABLE, doc, ("column", "type", "what it holds"), version))
    return "\n".join(parts)


def section(name: str, doc: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"### {name}\n", f"{doc}\n", row(heads), row(["---"] * len(heads))]
    return "\n".join(lines + [row([f"`{first}`", *rest]) for first, *rest in rows]) + "\n"


def row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def kind(column: Column[object]) -> str:
    """Type, key and target of a column, in words."""
    words = [{"BIGINT": "integer", "DOUBLE": "real"}.get(name := str(column.type), name.lower())]
    if column.primary_key:
        words.append("key")
    words += [f"→ {link.target_fullname}" for link in column.foreign_keys]
    if column.nullable:
        words.append("or NULL")
    return ", ".join(words)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(described(place.read_text(encoding="utf-8")), encoding="utf-8")
