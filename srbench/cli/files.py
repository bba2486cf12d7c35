"""Commands that write files for other programs: export, upscale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from srbench.cli.options import (
    Database,
    Model,
    OneDevice,
    Parts,
    Run,
    Weights,
    err,
    height_width,
    note,
    open_database,
    out,
    study_names,
    use_parts,
)
from srbench.core.errors import InputError, UserError
from srbench.study.files import study_name

if TYPE_CHECKING:  # pandas comes with it
    from srbench.analysis.results import Results

NETWORKS = (".safetensors", ".pth", ".onnx")
Format = Literal["csv", "parquet", "latex", "markdown"]


def export(
    study: Annotated[
        str | None, typer.Argument(metavar="[STUDY]", help="One study.", autocompletion=study_names)
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="A folder; with --run a .safetensors, .pth or .onnx file."
        ),
    ] = Path("export"),
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            help="csv and parquet: data frames; latex and markdown: the report's tables.",
        ),
    ] = "csv",
    run: Run = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="ONNX for LR of this width x height in pixels, as 320x180, or side of a square. "
            "[dim](default: any size)[/dim]",
        ),
    ] = None,
    parts: Parts = None,
    db: Database = None,
) -> None:
    """Write a study for other programs: frames as CSV or Parquet, tables as LaTeX or Markdown.

    Every point of every curve is written. Without a name: every table of the database, as CSV.

    srbench export --run 12 -o carn.onnx writes a run's network, checked in onnxruntime against
    torch at several sizes; -o carn.safetensors writes its weights, with settings and provenance;
    -o carn.pth the weights alone, for torch.load(file, weights_only=True).
    """
    use_parts(parts)
    if run is not None:
        _export_network(run, output, size, db)
        return
    if output.suffix in NETWORKS or size is not None:
        raise InputError("a network is written with --run", place=f"-o {output}")
    if (output / "index.html").exists():
        raise InputError("holds a report, whose files have the same names", place=f"-o {output}")
    from srbench.store.export import export as export_tables

    store = open_database(db)
    if study is None and format_ == "csv":
        files = export_tables(store, output)
    elif study is None:
        raise InputError("name a study; only CSV is written of all", place=f"--format {format_}")
    else:
        files = _written(store.reading.results(study_name(study), points=10**9), output, format_)
    for file in files:
        out.print(str(file), markup=False, soft_wrap=True)


def _written(results: Results, folder: Path, format_: Format) -> list[Path]:
    if format_ == "csv":
        return sorted(results.to_folder(folder))
    if format_ == "parquet":
        return results.to_parquet(folder)
    from srbench.report.sections import write_tables

    return write_tables(results, folder, format_)


def _export_network(run: str, output: Path, size: str | None, db: str | None) -> None:
    from srbench.apply.export import write_onnx, write_pth, write_safetensors
    from srbench.apply.named import network as named_network

    if output.suffix not in NETWORKS:
        raise InputError("name a file that ends with .safetensors, .pth or .onnx", place="-o")
    network = named_network(run, None, None, 1, db)
    if output.suffix == ".safetensors":
        write_safetensors(network, output)
        message = "weights, with settings and provenance"
    elif output.suffix == ".pth":
        write_pth(network, output)
        message = "weights by their names"
    else:
        apart = write_onnx(network, output, height_width(size))
        message = f"onnxruntime and torch differ by {apart:.1g} at most"
    out.print(f"{output}: {network.name}; {message}", markup=False, soft_wrap=True)


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
    from srbench.measure.forward import self_ensemble, whole_outputs

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
                    network, source, target, partial(cut_for, network, tile), device=chosen,
                    forward=self_ensemble if ensemble else whole_outputs, on_tile=say,
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
