"""The matrix of images and descriptions as a figure: a cell a pair, its cosine written in it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from srbench.report.figure_matplotlib import canvas, drawable


def cosines_figure(
    images: Sequence[str], texts: Sequence[str], values: Sequence[Sequence[float]], title: str
) -> Figure:
    """Images down, texts across; darker is more alike."""
    figure, axes = canvas(2.5 + 0.7 * len(texts), 1.6 + 0.35 * len(images))
    low, high = (f(v for row in values for v in row) for f in (min, max))
    axes.imshow(values, cmap="Blues", vmin=low, vmax=high, aspect="auto")
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            dark = value > (low + high) / 2
            axes.text(
                j, i, f"{value:.2f}", ha="center", va="center", size=7,
                color="white" if dark else "black",
            )  # fmt: skip
    axes.set_yticks(range(len(images)), [drawable(name[:40]) for name in images])
    axes.set_xticks(
        range(len(texts)), [drawable(text[:40]) for text in texts], rotation=30, ha="right"
    )
    axes.set_title(title)
    return figure
