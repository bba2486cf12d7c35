"""Which datasets are here, and what one of them holds: its images, its LR, its fingerprint."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from srbench.apply.checks import fingerprint, published_fingerprint
from srbench.apply.scored import files_of
from srbench.apply.trained import named_choice
from srbench.core import slots
from srbench.core.errors import InputError, UserError
from srbench.core.numbers import plural
from srbench.core.rich_table import table_of
from srbench.data.folders import ImageFile, home_or, places
from srbench.data.known_sets import SetMissing
from srbench.data.overlap import doubts
from srbench.data.survey import Survey, survey

SPLITS = ("train", "validate", "eval")
FINGERPRINT = (
    "bicubic: PSNR of Y of HR made smaller and larger again by MATLAB's bicubic, borders of the "
    "scale left out, in dB; it tells which copy of a set this is."
)
NAMED = 60  # characters of names of refused files that are shown of a reason, if there are many


def datasets_found(scale: int) -> RenderableType:
    """All sets by name, with how many images of each are here and where."""
    slots.load()
    rows: list[tuple[object, ...]] = []
    for part in sorted(slots.dataset.parts):
        try:
            files = list(slots.dataset.parse(part).build()("eval", scale))
            rows.append((part, len(files), files[0].hr.parent))
        except SetMissing:
            rows.append((part, None, "not on this machine"))
        except UserError as error:
            rows.append((part, None, error.problem))
    table = table_of(("dataset", "images", "found"), rows)
    note = "srbench datasets NAME reads a set's images, or names the folders looked for."
    return Group(table, Text(note, style="dim"))


class Read:
    """One set, or a folder: every image decoded and checked, with the fingerprint of each split.

    Raises:
        InputError: there is no such set or folder.
    """

    def __init__(self, name: str, scale: int) -> None:
        slots.load()
        self.name, self.scale = name, scale
        self.files: dict[str, list[ImageFile]] = {}
        self.surveys: dict[str, Survey] = {}
        folders = _folders(name)
        for split, files in _splits(name, scale):
            self.files[split] = files
            self.surveys[split] = survey(files, name, split, scale, folders)

    @property
    def refusals(self) -> str:
        """Why a study with this set would be refused; empty where it would not."""
        worst = max(self.surveys.values(), key=lambda one: one.refusals)
        if not worst.refusals:
            return ""
        many = worst.refusals + len(worst.images.images)
        return (
            f"{worst.refusals} of {plural(many, 'image')} cannot be used, and a study with this "
            "set is refused: mend, move or delete them (--json names all)"
        )

    def as_plain(self) -> dict[str, Any]:
        """Everything as JSON takes it, every refused file by name."""
        return {
            split: {
                "images": [image.name for image in one.images.images],
                "manifest": one.images.manifest,
                "converted": one.converted,
                "refused": dict(one.refused),
                "unused": one.unused,
            }
            for split, one in self.surveys.items()
        }

    def shown(self) -> RenderableType:
        """One screen: what is used, converted, refused and not used."""
        headings = ("split", "images", "megapixels", "LR at this scale", "bicubic", "manifest")
        rows = [self._row(split, one) for split, one in self.surveys.items()]
        published = published_fingerprint(self.name, self.scale)
        message = FINGERPRINT + (f" Published: {published:.2f}." if published else "")
        heading = Text(f"{self.name} at x{self.scale}, every image read and checked")
        table = table_of(headings, rows, right=("megapixels", "bicubic"))
        return Group(heading, table, Text(message, style="dim"), *self._files_shown())

    def _row(self, split: str, one: Survey) -> tuple[object, ...]:
        own = sum(image.lr is not None for image in one.images.images)
        bicubic = fingerprint(one.images, self.scale) if one.pixels else math.nan
        return (
            split, len(one.images.images), f"{one.images.megapixels:.2f}",
            f"{own} files{places(self.files[split])}" if own else "made by the protocol",
            "" if math.isnan(bicubic) else f"{bicubic:.2f}",
            one.images.manifest[:12],
        )  # fmt: skip

    def _files_shown(self) -> Iterator[RenderableType]:
        """What becomes of the files, once where splits have the same."""
        several = len({tuple(files) for files in self.files.values()}) > 1
        for split, one in self.surveys.items() if several else [*self.surveys.items()][:1]:
            for doubt in doubts(one.images):
                yield Text(f"{doubt}.", style="bold red")
            rows = [("converted", n, what, "") for what, n in one.converted.items()]
            rows += [("refused", len(f), why, _few(f)) for why, f in one.refused]
            rows += [("not used", n, what, "") for what, n in one.unused.items()]
            if rows:
                yield Text(f"Files of {split}:" if several else "Files:")
                yield table_of(("are", "files", "how or why", "such as"), rows)


def _few(files: Sequence[str]) -> str:
    """Names, all of a few files, or as many as fit a line."""
    names = [os.path.basename(file) for file in files]
    text = ", ".join(names)
    if len(names) <= 12 or len(text) <= NAMED:
        return text
    shown = text[:NAMED].rpartition(", ")[0]
    return f"{shown} and {len(names) - shown.count(', ') - 1} more"


def _folders(name: str) -> list[Path]:
    """The folders that a set is written with, or the folder that it is."""
    if os.path.isdir(home_or(name)):
        return [home_or(name)]
    if "{" not in name:
        return []
    chosen = named_choice(slots.dataset, name, "")
    given = (v for one in chosen.choices() for _, v in one.settings if isinstance(v, str) and v)
    return [path for value in given if os.path.isdir(path := home_or(value))]


def _splits(name: str, scale: int) -> Iterator[tuple[str, list[ImageFile]]]:
    if name in slots.dataset.parts:
        for split in SPLITS:
            yield split, list(slots.dataset.parse(name).build()(split, scale))
        return
    try:
        yield "eval", files_of(name, scale)
    except UserError as error:
        place = error.place.removeprefix("--data")  # the argument here
        raise InputError(error.problem, error.path, place) from None
