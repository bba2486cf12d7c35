"""Scores of one network on one set, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # a second that a list of images does without
    from srbench.scored import Scored

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


def _cells(values: Mapping[str, float], metrics: list[str]) -> list[str]:
    return [f"{values[name]:.{DIGITS[name.partition('_')[0]]}f}" for name in metrics]
