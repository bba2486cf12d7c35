"""Commands for writing studies: new, schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from srbench.cli.options import out
from srbench.core.command_line import command
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
