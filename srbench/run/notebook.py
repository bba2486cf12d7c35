"""Progress below a notebook's cell: one output that is shown anew, without ipywidgets."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from rich.console import Console, RenderableType

EVERY_S = 1.0
PRE = '<pre style="line-height:1.3;overflow-x:auto">{code}</pre>'


class Cell:
    """One output of the cell that is being executed."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now, self.shown = now, float("-inf")
        self.ipython: Any = import_module("IPython.display")
        self.handle = self.ipython.display(self.ipython.HTML(""), display_id=True)

    def show(self, content: RenderableType, *, last: bool = False) -> None:
        """Show this in place of what is there; at most once a second, but for the last."""
        if not last and self.now() - self.shown < EVERY_S:
            return
        self.shown = self.now()
        console = Console(file=io.StringIO(), record=True, width=100, force_jupyter=False)
        console.print(content)
        html = console.export_html(inline_styles=True, code_format=PRE)
        self.handle.update(self.ipython.HTML(html))
