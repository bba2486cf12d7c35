"""The report of a study: page, tables and figures, made from `Results` alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # pandas takes half a second, which a stored summary does without
    from srbench.analysis.results import Results

__all__ = ["write"]


def write(
    results: Sequence[Results], folder: Path, *, plotly: Literal["inline", "beside"] = "inline"
) -> Path:
    """Write the report of one study into `folder`, or of several into folders below it.

    Returns the path of the page to open. `plotly="beside"` writes plotly.js next to the page.
    """
    # plotly, jinja2 and matplotlib are slow to import, and the terminal does without them
    from srbench.report.files import write_report

    return write_report(results, folder, plotly=plotly)
