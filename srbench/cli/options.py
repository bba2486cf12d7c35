"""What the commands share: options, the two consoles, and how a study or database is found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from srbench.cli.console import PlainConsole
from srbench.core import devices
from srbench.core.errors import InputError, brief
from srbench.study import files

if TYPE_CHECKING:  # half a second that --help does without
    from srbench.store import Store

out = PlainConsole(highlight=False)
err = PlainConsole(stderr=True, highlight=False)


def study_files(incomplete: str) -> list[str]:
    return files.study_files()


def study_names(incomplete: str) -> list[str]:
    return [Path(file).stem for file in files.study_files()]


def part_names(incomplete: str) -> list[str]:
    from srbench.study.vocabulary import vocabulary

    words = vocabulary()
    return [*words, *(name for slot in words.values() for name in slot["parts"])]


StudyFile = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY", help="A study file, or its name in ablations/.", autocompletion=study_files
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Database: a path or a URL such as postgresql+psycopg://… "
        "[dim](default: $SRBENCH_DB, else db/srbench.sqlite)[/dim]",
    ),
]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files",
        metavar="FOLDER",
        help="Of a PostgreSQL database: the folder of weights, pictures and checkpoints, which the "
        "database remembers. [dim](default: the one it remembers, at first db/)[/dim]",
    ),
]
Seeds = Annotated[int | None, typer.Option(min=1, help="Number of seeds, instead of the study's.")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB", help="Only these variants and the baseline: 'atrous*'. May be repeated."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a setting: train.epochs=5, channels=32. May be repeated.",
    ),
]
Parts = Annotated[
    list[Path] | None,
    typer.Option(
        "--parts",
        metavar="FILE",
        help="A Python file that registers parts of your own. May be repeated.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="auto, cpu, cuda:1, cuda:0,2, or cuda (every device of the same model as cuda:0)."
    ),
]
OneDevice = Annotated[str, typer.Option(help="auto, cpu, cuda, or one of several: cuda:1.")]
Precision = Annotated[
    str,
    typer.Option(
        help="Of training: auto (fp32), fp32, tf32 (CUDA) or bf16. Scoring always uses fp32."
    ),
]
MemoryOrder = Annotated[
    devices.MemoryOrder,
    typer.Option(
        help="Of training: auto (by the network's structure), contiguous or channels_last."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="A network as a study writes it: pan, '{carn: {channels: 32}}', bicubic; or "
        "spandrel, which recognises the networks of others by their weights.",
    ),
]
Run = Annotated[
    str | None,
    typer.Option(
        metavar="N|STUDY:VARIANT", help="A finished run, or the first finished seed of a variant."
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Weights of --model (.safetensors, .pth, .pt), with our names of tensors or the "
        "authors'.",
    ),
]
SIZE = re.compile(r"(\d{1,5})(?:x(\d{1,5}))?")
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="RAY",
        help="Run on a Ray cluster (docs/machines.md): ray for the one that is here, or "
        "ray://HOST:PORT.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        help="Worker processes: on the CPU in all, on CUDA on each GPU. One training uses one "
        "worker and one device. [dim](default: one per CPU core, one per GPU)[/dim]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def note(text: str) -> None:
    """Print a remark on stderr, so that stdout holds nothing but results."""
    err.print(f"srbench: {text}", markup=False, soft_wrap=True)


def use_parts(parts: list[Path] | None) -> None:
    """Register the parts of the files that `--parts` names."""
    if parts:
        from srbench.core import part_files

        part_files.use([part_files.read(file) for file in parts])


def answer(as_json: bool, plain: Any, drawn: Callable[[], RenderableType]) -> None:
    """Print a result: its plain data as JSON, or as it is drawn for people."""
    if as_json:
        print(json.dumps(plain, indent=1, default=str))
    else:
        out.print(drawn())


def height_width(size: str | None) -> tuple[int, int] | None:
    """Height and width in pixels of `320x180` (width x height), or of `64`, a square.

    Raises:
        InputError: not a size, or a side beyond 8 to 16384 pixels.
    """
    if size is None:
        return None
    fits = SIZE.fullmatch(size.strip().lower())
    width, height = (int(n or 0) for n in (fits[1], fits[2] or fits[1])) if fits else (0, 0)
    if not 8 <= min(height, width) <= max(height, width) <= 16384:
        raise InputError(
            f"{brief(size)} is no size; write width x height such as 320x180, or 64 for a square "
            "(8 to 16384)",
            place="--size",
        )
    return height, width


def open_database(db: str | None) -> Store:
    from srbench.store import open_store

    return open_store(db, create=False)
