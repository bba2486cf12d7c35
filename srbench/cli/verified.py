"""What `srbench verify` found, for the terminal: checks, and the table of slips."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # torch, which a list does without
    from srbench.apply.checks import Check
    from srbench.apply.explain import Explained

STYLES = {"right": "green", "wrong": "bold red", "differs": "yellow", "skipped": "dim"}


def checks_listed(checks: Sequence[Check]) -> RenderableType:
    """Every check, by group; right ones of the synthetic groups in one line each."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "what", "expected", "found", "note"):
        table.add_column(name, overflow="fold", no_wrap=name in ("", "what"))
    for group, members in groupby(checks, key=lambda check: check.group):
        listed = list(members)
        if all(check.state == "right" for check in listed) and group not in ("sets", "weights"):
            what = f"{group}: {len(listed)} numbers"
            table.add_row(Text("right", STYLES["right"]), what)
            continue
        for check in listed:
            table.add_row(
                Text(check.state, STYLES[check.state]),
                *(Text(t) for t in (check.what, check.expected, check.found, check.note)),
            )
    return Group(table, Text(summary(checks)))


def summary(checks: Sequence[Check]) -> str:
    """How many checks came out how, and what that means."""
    count = {state: sum(check.state == state for check in checks) for state in STYLES}
    parts = [f"{n} {state}" for state, n in count.items() if n]
    said = ", ".join(parts)
    if count["wrong"]:
        return (
            f"{said}. What is wrong here makes every score wrong: compare no number with a paper."
        )
    if count["differs"]:
        return f"{said}. The measuring is right; the images differ from those of the literature."
    return f"{said}. The measuring is right."


def explained(found: Explained) -> RenderableType:
    """The table of slips, and which of them explain a number."""
    digits = 5 if found.metric == "ssim_y" else 3
    unit = " dB" if found.metric == "psnr_y" else ""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("instead of the field's protocol")
    table.add_column(found.metric, justify="right")
    table.add_column("change", justify="right")
    for slip in found.slips:
        if len(slip.says) < 2:
            says = slip.says[0] if slip.says else f"right: {found.protocol}"
            row = (f"{slip.score:.{digits}f}", f"{slip.change:+.{digits}f}" if slip.says else "")
            table.add_row(says, *row, style="" if slip.says else "bold")
    head = f"{found.model} on {found.data} at x{found.scale}, measured here"
    lines: list[RenderableType] = [Text(head), table]
    if found.gap is not None:
        lines.append(Text(f"{found.asks}: {found.gap:+.{digits}f}{unit}", style="bold"))
        lines += [
            Text(f"  {' and '.join(slip.says)}: {slip.change:+.{digits}f}{unit}")
            for slip in found.explanations
        ]
        if not found.explanations:
            lines.append(Text("  no slip of the table, and no two of them, explains it"))
    return Group(*lines)
