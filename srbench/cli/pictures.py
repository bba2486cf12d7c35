"""The command that enlarges pictures: upscale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from srbench.cli.options import (
    Database,
    Model,
    OneDevice,
    Parts,
    Run,
    Weights,
    err,
    note,
    out,
    use_parts,
)
from srbench.core.errors import UserError


def upscale(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE|DIR…", help="Images, or folders of images.")
    ],
    run: Run = None,
    weights: Weights = None,
    model: Model = None,
    scale: Annotated[int, typer.Option(min=1, max=8, help="With --model.")] = 2,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder, or a file for one image.")
    ] = Path("upscaled"),
    tile: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Side of a tile in pixels of the image; 0: whole images. "
            "[dim](default: 256, with overlap)[/dim]",
        ),
    ] = None,
    ensemble: Annotated[
        bool,
        typer.Option("--ensemble", help="Average over flips and turns; takes 8 times as long."),
    ] = False,
    device: OneDevice = "auto",
    parts: Parts = None,
    db: Database = None,
) -> None:
    """Enlarge pictures of your own with a trained network.

    Large pictures are cut into tiles that overlap by the receptive field, so that the result is
    that of the whole picture. Colour profile and transparency are preserved, other metadata are
    not.
    """  # fmt: skip
    from srbench.apply.named import network as named_network
    from srbench.apply.pictures import enlarged, jobs
    from srbench.apply.upscale import cut_for
    from srbench.core.devices import choose_device

    use_parts(parts)
    network = named_network(run, weights, model, scale, db, note)
    chosen = choose_device(device, note)
    network.net.to(chosen)
    listed = list(jobs(images, output))
    refused = 0
    for source, target in listed:
        try:
            with _progress(source.name) as say:
                made = enlarged(
                    network, source, target, partial(cut_for, network, tile),
                    transforms=8 if ensemble else 1, device=chosen, on_tile=say,
                )  # fmt: skip
        except UserError as error:
            if len(listed) == 1:
                raise
            refused += 1
            err.print(f"srbench: left out: {error}", markup=False, soft_wrap=True)
            continue
        out.print(f"{target}: {made.width}x{made.height}", markup=False, soft_wrap=True)
    raise typer.Exit(int(refused > 0))


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere: a line follows for each picture."""
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    if not out.is_terminal:
        yield lambda done, count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as bars:
        task = bars.add_task(escape(name), total=None)
        yield lambda done, count: bars.update(task, completed=done, total=count)
