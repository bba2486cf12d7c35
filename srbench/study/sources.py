"""`published:` in a study file: figures of others to compare with ours, in files of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as File
from typing import Any

from srbench.analysis.published import Published
from srbench.analysis.published import read as read_figures
from srbench.core.document import Document
from srbench.core.errors import Path, StudyError, UserError, brief
from srbench.study.keys import NOTHING, TEXT, Schema, schema_of, taken, text

SOURCE = {
    "file": text("a table (.yaml), or curves (.csv); its path counts from the study file", None),
    "source": text(
        "who published it, where, when; else as the file says, else as the file before", None
    ),
    "quantity": text("what curves are of, where headings hold two underscores", None),
}
_ONE: Schema = {"anyOf": [TEXT, schema_of(SOURCE)]}
PUBLISHED: Schema = {"anyOf": [{"type": "array", "items": _ONE}, _ONE, NOTHING]}
EXAMPLE = "[table.yaml, {file: curves.csv, source: who published them}]"


def published_written(source: Document) -> tuple[Published, ...]:
    """The figures of every file that `published` names, one value a source.

    Raises:
        StudyError: a mistake in the key, or in one of the files.
    """
    written = source.value.get("published")
    listed = written if isinstance(written, list) else [] if written is None else [written]
    stands_in = next((d.file for d in source.all if ("published",) in d.places), source.file)
    found: dict[str, Published] = {}
    for i, one in enumerate(listed):
        at: Path = ("published", i) if listed is written else ("published",)
        asked, before = _asked(one, at), next(reversed(found), None)
        file = File(stands_in).parent / asked["file"]
        named = asked["source"] or (before if file.suffix.lower() == ".csv" else None)
        try:
            new = read_figures(file, source=named, quantity=asked["quantity"])
        except UserError as error:  # its place follows the one in this file
            raise StudyError(str(error), at) from None
        if (old := found.get(new.source)) is not None:
            new = replace(
                old,
                notes=old.notes + new.notes,
                figures=old.figures + new.figures,
                files=old.files + new.files,
            )
        found[new.source] = new
    return tuple(found.values())


def _asked(written: object, at: Path) -> Mapping[str, Any]:
    asked = {"file": written} if isinstance(written, str) else written
    if not isinstance(asked, dict) or "file" not in asked:
        raise StudyError(f"write {EXAMPLE}, found {brief(written)}", at)
    return taken(asked, SOURCE, at)
