"""Commands that list what a study may name: blocks, datasets."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from srbench.cli.options import Json, out, part_names


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
    if as_json:
        print(json.dumps(words if name is None else parts_found(words, name), indent=1))
    else:
        out.print(parts_listed(words, name))


def datasets(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="One dataset, as a study writes it, or a folder."),
    ] = None,
    scale: Annotated[
        int, typer.Option(min=1, max=8, help="Which LR files to look for next to HR.")
    ] = 2,
) -> None:
    """List the datasets that were found and where, and the expected layout of the others.

    With a name, its images are decoded and checked, and its bicubic score is printed: it
    identifies the copy of the set.
    """
    from srbench.cli.dataset_list import dataset_read, datasets_found

    out.print(datasets_found(scale) if name is None else dataset_read(name, scale))
