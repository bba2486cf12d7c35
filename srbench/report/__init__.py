"""What is said about a study: page, tables and figures, from `Results` alone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

from srbench.results import Results

__all__ = ["folder_name", "write"]


def folder_name(study: str) -> str:
    """A study's name as the name of a folder: nothing that leads elsewhere, no other study's.

    A name that has to change gets a piece of its own digest: `x=1` is not `x_1`.
    """
    safe = "".join(c if c.isalnum() or c in "-_. " else "_" for c in study).strip(". ")
    safe = f"_{safe[1:]}" if safe.startswith("-") else safe
    if safe == study:
        return study
    return f"{safe or 'study'}-{sha256(study.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def write(
    results: Sequence[Results], folder: Path, *, plotly: Literal["inline", "beside"] = "inline"
) -> Path:
    """Write the report of one study into `folder`, or of several into folders below it.

    Returns the path of the page to open. `plotly="beside"` writes plotly.js next to the page.
    """
    # plotly, jinja2 and matplotlib are slow to import, and the terminal does without them
    from srbench.report.files import write_report

    return write_report(results, folder, plotly=plotly)
