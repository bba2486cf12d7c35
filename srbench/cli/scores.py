"""Scores of one network on one set, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # a second that a list of images does without
    from srbench.apply.scored import Scored

DIGITS = {"psnr": 4, "ssim": 5, "l1": 5}


def scores_listed(found: Scored) -> RenderableType:
    """Every image's scores, and their means."""
    metrics = list(found.means)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("image")
    for name in ("size", *metrics):
        table.add_column(name, justify="right")
    for image in found.images:
        table.add_row(
            Text(image.name), f"{image.width}x{image.height}", *_cells(image.values, metrics)
        )
    table.add_row(f"mean of {len(found.images)}", "", *_cells(found.means, metrics), style="bold")
    weights = f", weights {found.weights}" if found.weights else ""
    head = f"{found.model}{weights} on {found.data} at x{found.scale}, protocol {found.protocol}"
    return Group(Text(head), Text(f"LR: {found.lr}", style="dim"), table)


def cosines_listed(
    images: list[str], texts: list[str], values: list[list[float]], weights: str
) -> RenderableType:
    """Images down, their descriptions across by number; an image's own stands in the diagonal."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("image")
    for number in range(1, len(texts) + 1):
        table.add_column(str(number), justify="right")
    table.add_column("own description")
    for i, (name, row) in enumerate(zip(images, values, strict=True)):
        cells = (Text(f"{v:.3f}", style="bold" if i == j else "") for j, v in enumerate(row))
        table.add_row(Text(name), *cells, Text(f"{i + 1}: {texts[i]}"))
    random = ", random: numbers of no worth" if weights == "none" else ""
    return Group(Text(f"CLIP ViT-B/32, weights {weights}{random}: cosines"), table)


def _cells(values: Mapping[str, float], metrics: list[str]) -> list[str]:
    return [f"{values[name]:.{DIGITS[name.partition('_')[0]]}f}" for name in metrics]
