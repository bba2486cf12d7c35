"""Commands that write files for other programs: export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from srbench.cli.options import (
    Database,
    Parts,
    Run,
    height_width,
    open_database,
    out,
    study_names,
    use_parts,
)
from srbench.core.errors import InputError
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
