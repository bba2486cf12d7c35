"""Scores of one network on one set, and cosines of CLIP, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from srbench.core.numbers import listed
from srbench.core.rich_table import rich_table, table_of
from srbench.core.table import Column, Table

if TYPE_CHECKING:  # a second that a list of images does without
    from srbench.apply.scored import Scored


def scores_listed(found: Scored) -> RenderableType:
    """Every image's scores, and their means."""
    from srbench.measure.named import known_facts  # late: it imports torch

    metrics, known = list(found.means), known_facts(found.means)
    columns = [Column("image", "image"), Column("size", "size", kind="written")]
    columns += [
        Column(name, name, kind="number", decimals=4 if known[name].unit == "dB" else 5)
        for name in metrics
    ]
    rows = [(one.name, f"{one.width}x{one.height}", one.values) for one in found.images]
    rows.append((f"mean of {len(rows)}", "", found.means))
    lines = [
        f"{metric}: {listed(images)} {'is' if len(images) == 1 else 'are'} reproduced exactly "
        "(infinite) and left out of the mean."
        for metric, images in found.left_out.items()
    ]
    lines += [f"{doubt}." for doubt in found.doubts]
    table = Table("scores", "", tuple(columns), tuple(
        (name, size, *(values[metric] for metric in metrics)) for name, size, values in rows
    ))  # fmt: skip
    taken = f" ({found.taken})" if found.taken else ""
    weights = f", weights {found.weights}{taken}" if found.weights else ""
    head = f"{found.model}{weights} on {found.data} at x{found.scale}, protocol {found.protocol}"
    notes = [Text(line, style="yellow") for line in lines]
    return Group(Text(head), Text(f"LR: {found.lr}", style="dim"), rich_table(table), *notes)


def cosines_listed(
    images: list[str], texts: list[str], values: list[list[float]], weights: str
) -> RenderableType:
    """Images down, descriptions across by number; an image's own description is in its row."""
    numbers = [str(number) for number in range(1, len(texts) + 1)]
    rows = (
        (name, *(f"{value:.3f}" for value in row), f"{number}: {text}")
        for name, row, number, text in zip(images, values, numbers, texts, strict=True)
    )
    table = table_of(("image", *numbers, "own description"), rows, right=numbers)
    random = " (random: the cosines mean nothing)" if weights == "none" else ""
    return Group(Text(f"CLIP ViT-B/32, weights {weights}{random}: cosines"), table)
