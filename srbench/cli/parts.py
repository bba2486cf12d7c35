"""Commands for writing studies: new, schema, blocks, datasets, and check for parts of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from srbench.cli.options import Json, Parts, answer, out, part_names, use_parts
from srbench.core.command_line import command
from srbench.core.errors import InputError
from srbench.core.files import write_atomically


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The study's name.")],
    base: Annotated[
        str,
        typer.Option(metavar="MODEL", help="The base network: carn, '{pan: {...}}'."),
    ] = "carn",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Folder. [dim](default: ablations/ if there is one, else .)[/dim]",
        ),
    ] = None,
) -> None:
    """Write a starter study with a comment on every key; it runs as it is in a minute or two.

    A JSON Schema is written next to it, with which editors complete and check study files.
    """
    from srbench.run.api import new as write

    file = write(name, base, output)
    out.command(f"{file}: change it, then", command("plan", file))


def schema(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write to this file instead.")
    ] = None,
) -> None:
    """Print the JSON Schema of study files, with which editors complete and check them.

    It covers every installed part, plug-ins included. A study names the schema in its first line:
    # yaml-language-server: $schema=srbench.schema.json
    """
    from srbench.run.api import schema_text

    if output is None:
        print(schema_text(), end="")
    else:
        write_atomically(output, schema_text().encode())
        out.print(str(output), markup=False, soft_wrap=True)


def blocks(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A slot or a part.", autocompletion=part_names),
    ] = None,
    parts: Parts = None,
    as_json: Json = False,
) -> None:
    """List what a study may name: slots, their parts, and each part's settings.

    'srbench blocks' lists the slots, 'srbench blocks attention' the parts of one slot, and
    'srbench blocks scse' shows a part's description, settings and source.
    """
    from srbench.cli.listing import parts_found, parts_listed
    from srbench.study.vocabulary import vocabulary

    use_parts(parts)
    words = vocabulary()
    found = words if name is None else parts_found(words, name)
    answer(as_json, found, lambda: parts_listed(found, name))


def datasets(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="One dataset, as a study writes it, or a folder."),
    ] = None,
    scale: Annotated[
        int, typer.Option(min=1, max=8, help="Which LR files to look for next to HR.")
    ] = 2,
    parts: Parts = None,
    as_json: Json = False,
) -> None:
    """List the datasets that were found and where, and the expected layout of the others.

    With a name, its images are decoded and checked: which are used, converted, refused and why.
    Its bicubic score identifies the copy of the set. Exit code 2 if an image is refused.
    """
    from srbench.cli.dataset_list import Read, datasets_found

    use_parts(parts)
    if name is None:
        out.print(datasets_found(scale))
        return
    found = Read(name, scale)
    answer(as_json, found.as_plain(), found.shown)
    if found.refusals:
        raise InputError(found.refusals, place=name)


def check(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Python files that register parts of your own."),
    ],
    as_json: Json = False,
) -> None:
    """Check parts of your own against the laws of their slots, with their default settings.

    srbench check my_blocks.py

    Of a block: its shape, that every parameter gets a gradient, the same weights for the same
    seed, names of weights, a source. Exit code 1 if a law is broken. A study names the file
    under "parts".
    """
    from srbench.cli.listing import checked_listed
    from srbench.core import part_files
    from srbench.study.conformance import checked

    found = checked([part_files.read(file) for file in files])
    plain = [
        {
            "slot": part.slot,
            "part": part.name,
            "broken": [vars(one) for one in part.broken],
            "unexplained": part.unexplained,
        }
        for part in found
    ]
    answer(as_json, plain, lambda: checked_listed(found))
    raise typer.Exit(int(any(part.broken for part in found)))
