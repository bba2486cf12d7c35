"""Commands for writing studies: new, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from srbench.cli.options import out
from srbench.core.command_line import command
from srbench.core.errors import InputError
from srbench.core.files import write_atomically

FOLDER = Path("ablations")


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
    from srbench.study.starter import SCHEMA, starter

    name = name.removesuffix(".yaml")
    text = starter(name, base)
    folder = output or (FOLDER if FOLDER.is_dir() else Path())
    file = folder / f"{name}.yaml"
    if file.exists():
        raise InputError("is there already; take another name", place=str(file))
    write_atomically(folder / SCHEMA, _schema_text().encode())
    write_atomically(file, text.encode())
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
    if output is None:
        print(_schema_text(), end="")
    else:
        write_atomically(output, _schema_text().encode())
        out.print(str(output), markup=False, soft_wrap=True)


def _schema_text() -> str:
    from srbench.study.schema import study_schema

    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"
