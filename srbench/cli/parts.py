"""Commands that say what a study may name: blocks, datasets."""

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

    'srbench blocks' lists the slots, 'srbench blocks attention' one slot's parts, and
    'srbench blocks scse' says everything about a part.
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
    scale: Annotated[int, typer.Option(min=1, max=8, help="For LR files beside HR.")] = 2,
) -> None:
    """Say which datasets are here, where, and what layout the others are expected in.

    With a name its images are decoded and checked, and its bicubic score is its fingerprint.
    """
    from srbench.cli.dataset_list import dataset_read, datasets_found

    out.print(datasets_found(scale) if name is None else dataset_read(name, scale))
