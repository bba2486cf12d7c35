"""Which datasets are here, and what one of them holds: its images, its LR, its fingerprint."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from srbench.apply.checks import fingerprint, published_fingerprint
from srbench.apply.scored import images_of
from srbench.core import slots
from srbench.core.errors import InputError, UserError
from srbench.core.rich_table import table_of
from srbench.data.decoded import Dataset, decode

SPLITS = ("train", "validate", "eval")
FINGERPRINT = (
    "bicubic: PSNR of Y of HR made smaller and larger again by MATLAB's bicubic, borders of the "
    "scale left out, in dB; it tells which copy of a set this is."
)


def datasets_found(scale: int) -> RenderableType:
    """All sets by name, with how many images of each are here and where."""
    slots.load()
    rows: list[tuple[object, ...]] = []
    for part in sorted(slots.dataset.parts):
        try:
            files = list(slots.dataset.parse(part).build()("eval", scale))
            rows.append((part, len(files), files[0].hr.parent))
        except UserError as error:
            rows.append((part, None, error.problem.partition(" (")[0]))
    table = table_of(("dataset", "images", "found"), rows)
    note = "srbench datasets NAME reads a set's images, or says where they were looked for."
    return Group(table, Text(note, style="dim"))


def dataset_read(name: str, scale: int) -> RenderableType:
    """One set, or a folder: every image decoded and checked, with the fingerprint of each split.

    Raises:
        InputError: there is no such set or folder, or an image cannot be used.
    """
    headings = ("split", "images", "megapixels", "LR at this scale", "bicubic", "manifest")
    rows = []
    taken: dict[str, str] = {}
    for split, images in _splits(name, scale):
        own = sum(image.lr is not None for image in images.images)
        if images.manifest not in taken:
            taken[images.manifest] = f"{fingerprint(images, scale):.2f}"
        rows.append((
            split, len(images.images), f"{images.megapixels:.2f}",
            f"{own} files" if own else "made by the protocol", taken[images.manifest],
            images.manifest[:12],
        ))  # fmt: skip
    published = published_fingerprint(name, scale)
    message = FINGERPRINT + (f" Published: {published:.2f}." if published else "")
    heading = Text(f"{name} at x{scale}, every image read and checked")
    table = table_of(headings, rows, right=("megapixels", "bicubic"))
    return Group(heading, table, Text(message, style="dim"))


def _splits(name: str, scale: int) -> Iterator[tuple[str, Dataset]]:
    slots.load()
    if name not in slots.dataset.parts:
        try:
            yield "eval", images_of(name, scale)[0]
        except UserError as error:
            place = error.place.removeprefix("--data")  # the argument here
            raise InputError(error.problem, error.path, place) from None
        return
    for split in SPLITS:
        files = list(slots.dataset.parse(name).build()(split, scale))
        yield split, decode(files, name, split, scale)
