"""Pictures as files: which become which, and what their formats hold."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL.Image import Image, registered_extensions

from srbench.apply.trained import Network
from srbench.apply.upscale import upscaled
from srbench.core.errors import InputError
from srbench.core.files import write_atomically
from srbench.data.folders import images_below
from srbench.data.images import read_photograph
from srbench.measure.tiles import Cut

SIDES = {".jpg": 65_535, ".jpeg": 65_535, ".webp": 16_383}  # pixels that a format can hold
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF",
           ".tiff": "TIFF"}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}


def jobs(images: list[Path], output: Path) -> Iterator[tuple[Path, Path]]:
    """Each picture with the file it becomes.

    Raises:
        InputError: a picture would be overwritten, or two become one file.
    """
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
    elif output.suffix.lower() in registered_extensions() and not output.is_dir():
        raise InputError(f"is not written; {', '.join(FORMATS)} are", place=str(output))
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


def enlarged(
    network: Network, source: Path, target: Path | None, cut: Callable[[int, int], Cut], **how: Any
) -> Image:
    """The picture in `source`, enlarged; written to `target` if one is named."""
    photograph = read_photograph(source)
    height, width = photograph.rgb.shape[:2]
    size = width * network.scale, height * network.scale
    if target is not None:
        _check_format(target, size, transparent=photograph.alpha is not None)
    made = upscaled(network, photograph, cut(height, width), **how)
    if target is None:
        return made
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
