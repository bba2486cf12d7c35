"""The command that enlarges pictures: upscale."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from srbench.cli.networks import named_network
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
from srbench.core.errors import InputError, UserError
from srbench.core.files import write_atomically

if TYPE_CHECKING:  # torch comes with it
    from PIL.Image import Image

    from srbench.apply.trained import Network
    from srbench.apply.upscale import Cut

SIDES = {".jpg": 65_535, ".jpeg": 65_535, ".webp": 16_383}  # pixels that a format can hold
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF",
           ".tiff": "TIFF"}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}


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
    from srbench.apply.upscale import cut_for
    from srbench.core.devices import choose_device

    use_parts(parts)
    network = named_network(run, weights, model, scale, db)
    chosen = choose_device(device, note)
    network.net.to(chosen)
    jobs = list(_jobs(images, output))
    refused = 0
    for source, target in jobs:
        try:
            with _progress(source.name) as say:
                made = _enlarged(
                    network, source, target, partial(cut_for, network, tile),
                    transforms=8 if ensemble else 1, device=chosen, on_tile=say,
                )  # fmt: skip
        except UserError as error:
            if len(jobs) == 1:
                raise
            refused += 1
            err.print(f"srbench: left out: {error}", markup=False, soft_wrap=True)
            continue
        out.print(f"{target}: {made.width}x{made.height}", markup=False, soft_wrap=True)
    raise typer.Exit(int(refused > 0))


def _jobs(images: list[Path], output: Path) -> Iterator[tuple[Path, Path]]:
    """Each picture with the file it becomes.

    Raises:
        InputError: a picture would be overwritten, or two become one file.
    """
    from srbench.data.folders import images_below

    found: list[tuple[Path, str]] = []
    for given in images:
        if given.is_dir():
            inside = output.resolve()
            found += [
                (file.hr, f"{file.name}.png")
                for file in images_below(given, "upscale")
                if not file.hr.resolve().is_relative_to(inside)
            ]
        else:
            found.append((given, f"{given.stem}.png"))
    if output.suffix.lower() in FORMATS:
        if len(found) != 1:
            raise InputError(f"{len(found)} images cannot become one file", place=str(output))
        pairs = [(found[0][0], output)]
    else:
        pairs = [(source, output / name) for source, name in found]
    targets = [target.resolve() for _, target in pairs]
    for (source, target), resolved in zip(pairs, targets, strict=True):
        if source.resolve() == resolved:
            raise InputError(
                "would be overwritten; choose another place with -o", place=str(source)
            )
        if targets.count(resolved) > 1:
            raise InputError(f"two images would become {target}; take them one by one")
        yield source, target


def _enlarged(
    network: Network, source: Path, target: Path, cut: Callable[[int, int], Cut], **how: Any
) -> Image:
    """The picture in `source`, enlarged and written to `target`."""
    from srbench.apply.upscale import upscaled
    from srbench.data.images import read_photograph

    photograph = read_photograph(source)
    height, width = photograph.rgb.shape[:2]
    size = width * network.scale, height * network.scale
    _check_format(target, size, transparent=photograph.alpha is not None)
    made = upscaled(network, photograph, cut(height, width), **how)
    kind = FORMATS[target.suffix.lower()]
    buffer = io.BytesIO()
    made.save(buffer, kind, icc_profile=photograph.profile, **SETTINGS.get(kind, {}))
    write_atomically(target, buffer.getbuffer())
    return made


def _check_format(target: Path, size: tuple[int, int], *, transparent: bool) -> None:
    """Refuse what the format of the result cannot hold, before it is made."""
    suffix = target.suffix.lower()
    most = SIDES.get(suffix)
    if most is not None and max(size) > most:
        raise InputError(
            f"{size[0]}x{size[1]} pixels; {suffix} holds {most} a side: write .png",
            place=str(target),
        )
    if transparent and FORMATS[suffix] == "JPEG":
        raise InputError("JPEG has no transparency: write .png", place=str(target))


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
