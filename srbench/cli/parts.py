"""Commands that list what a study may name: blocks, datasets."""

from __future__ import annotations

from typing import Annotated

import typer

from srbench.cli.options import Json, answer, out, part_names
from srbench.core.errors import InputError


def blocks(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A slot or a part.", autocompletion=part_names),
    ] = None,
    as_json: Json = False,
) -> None:
    """List what a study may name: slots, their parts, and each part's settings.

    'srbench blocks' lists the slots, 'srbench blocks attention' the parts of one slot, and
    'srbench blocks scse' shows a part's description, settings and source.
    """
    from srbench.cli.listing import parts_found, parts_listed
    from srbench.study.vocabulary import vocabulary

    words = vocabulary()
    found = words if name is None else parts_found(words, name)
    answer(as_json, found, lambda: parts_listed(words, name))


def datasets(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="One dataset, as a study writes it, or a folder."),
    ] = None,
    scale: Annotated[
        int, typer.Option(min=1, max=8, help="Which LR files to look for next to HR.")
    ] = 2,
    as_json: Json = False,
) -> None:
    """List the datasets that were found and where, and the expected layout of the others.

    With a name, its images are decoded and checked: which are used, converted, refused and why.
    Its bicubic score identifies the copy of the set. Exit code 2 if an image is refused.
    """
    from srbench.cli.dataset_list import Read, datasets_found

    if name is None:
        out.print(datasets_found(scale))
        return
    found = Read(name, scale)
    answer(as_json, found.as_plain(), found.shown)
    if found.refusals:
        raise InputError(found.refusals, place=name)
