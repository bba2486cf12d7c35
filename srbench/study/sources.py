"""What a study names: figures of others (`published:`), parts and datasets of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Any

from srbench.analysis.published import Published
from srbench.analysis.published import read as read_figures
from srbench.core import part_files
from srbench.core.document import Document
from srbench.core.errors import Path, StudyError, UserError, brief
from srbench.core.part_files import MissingParts, PartFile
from srbench.core.slots import SLOTS, dataset
from srbench.study.keys import NOTHING, TEXT, Schema, schema_of, taken, text, texts
from srbench.study.written import check_name

SOURCE = {
    "file": text(
        "a table (.yaml) or curves (.csv), required; its path counts from the study file",
        None,
        example="curves.csv",
    ),
    "source": text(
        "who published it, where, when; by default as the file says, or as the file before",
        None,
        example="Ahn et al., 2018",
    ),
    "quantity": text(
        "of what the curves are, where column names have two underscores", None, example="psnr_y"
    ),
}
_ONE: Schema = {"anyOf": [TEXT, schema_of(SOURCE)]}
PUBLISHED: Schema = {"anyOf": [{"type": "array", "items": _ONE}, _ONE, NOTHING]}
PARTS = texts(
    "Python files with parts of your own; paths count from the study file",
    example="[my_blocks.py]",
)
EXAMPLE = "[table.yaml, {file: curves.csv, source: who published them}]"


def published_written(source: Document) -> tuple[Published, ...]:
    """The figures of every file that `published` names, one value a source.

    Raises:
        StudyError: a mistake in the key, or in one of the files.
    """
    written = source.value.get("published")
    listed = written if isinstance(written, list) else [] if written is None else [written]
    found: dict[str, Published] = {}
    for i, one in enumerate(listed):
        at: Path = ("published", i) if listed is written else ("published",)
        asked, before = _asked(one, at), next(reversed(found), None)
        file = File(source.folder(("published",))) / asked["file"]
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


def parts_written(source: Document, more: Sequence[File]) -> tuple[PartFile, ...]:
    """The files that `parts` names, and `more`; their parts are registered from here on.

    Raises:
        StudyError: a file is missing or fails, with its name and line.
    """
    value = source.value.get("parts") if isinstance(source.value, dict) else None
    found: list[PartFile] = []
    for i, name in enumerate(PARTS.read(value, ("parts",))):
        at: Path = ("parts", i) if isinstance(value, list) else ("parts",)
        try:
            found.append(part_files.read(File(source.folder(("parts",))) / name))
        except StudyError as error:
            kind = MissingParts if isinstance(error, MissingParts) else StudyError
            raise kind(str(error), at) from None
    found += [part_files.read(file) for file in more]
    names = [one.name for one in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise StudyError(f"two files of parts are called {twice}.py; rename one", ("parts",))
    part_files.use(found)
    return tuple(found)


def name_datasets(written: Mapping[str, Any], source: Document) -> None:
    """Give datasets the names of `datasets`, in place of those of the study before.

    From here on, relative paths count from the file that has them. A name may be used
    in a later one, as in `both: {mixture: {of: [mine, t91]}}`.

    Raises:
        StudyError: a name that is no name or is taken, or a dataset that is none.
    """
    dataset.study.names.clear()
    for slot in SLOTS.values():
        slot.study.folder = source.folder
    for name, one in written.items():
        at: Path = ("datasets", name)
        check_name(name, at)
        if name in dataset.parts:
            raise StudyError(f"{name} is a dataset of srbench or of a plug-in; rename yours", at)
        found = dataset.parse(one, at)
        dataset.study.names[name] = replace(found, label=name)


def _asked(written: object, at: Path) -> Mapping[str, Any]:
    asked = {"file": written} if isinstance(written, str) else written
    if not isinstance(asked, dict) or "file" not in asked:
        raise StudyError(f"write {EXAMPLE}, found {brief(written)}", at)
    return taken(asked, SOURCE, at)
