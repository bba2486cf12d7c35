"""The database page of the reference: every view, table and column with its meaning."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

from sqlalchemy import Column

from srbench.store.migrate import VERSION_TABLE
from srbench.store.run_files import TABLE
from srbench.store.table_base import table_of
from srbench.store.tables import Base
from srbench.store.views import VIEWS


def tables() -> str:
    """A section for each view and table."""
    lines = ["## Views"]
    for view in VIEWS:
        rows = [(f"`{name}`", doc) for name, _, doc in view.columns]
        lines += [f"### {view.name}", view.doc, table(("column", "meaning"), rows)]
    lines.append("## Tables")
    heads = ("column", "type", "meaning")
    models = {table_of(mapper.class_): mapper.class_ for mapper in Base.registry.mappers}
    for one in Base.metadata.tables.values():
        rows_of = [(f"`{column.name}`", kind(column), column.doc or "") for column in one.columns]
        lines += [f"### {one.name}", inspect.getdoc(models[one]) or "", table(heads, rows_of)]
    version = ("`version_num`", "text", "version of the schema; a later one than known is refused")
    lines += [
        f"### {VERSION_TABLE}",
        "One row, written by the migrations.",
        table(heads, [version]),
    ]
    folder = ("`folder`", "text", "where weights and pictures of runs lie; their paths begin there")
    lines += [f"### {TABLE}", "One row, of PostgreSQL databases only.", table(heads, [folder])]
    return "\n\n".join(lines) + "\n"


def kind(column: Column[object]) -> str:
    """Type, key and target of a column, in words."""
    words = [{"BIGINT": "integer", "DOUBLE": "real"}.get(name := str(column.type), name.lower())]
    if column.primary_key:
        words.append("key")
    words += [f"→ {link.target_fullname}" for link in column.foreign_keys]
    if column.nullable:
        words.append("or NULL")
    return ", ".join(words)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in lines
    )
