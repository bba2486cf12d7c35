"""What `srbench verify` found, for the terminal: checks, and the table of slips."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from srbench.core.rich_table import table_of

if TYPE_CHECKING:  # torch, which a list does without
    from srbench.apply.oracles import Check
    from srbench.apply.slips import Explained

STATES = ("right", "wrong", "differs", "skipped")


def checks_listed(checks: Sequence[Check]) -> RenderableType:
    """Every check, by group; right ones of the synthetic groups in one line each."""
    rows: list[tuple[str, ...]] = []
    for group, members in groupby(checks, key=lambda check: check.group):
        listed = list(members)
        if all(check.state == "right" for check in listed) and group not in ("sets", "weights"):
            rows.append(("right", f"{group}: {len(listed)} numbers", "", "", ""))
        else:
            rows += [(one.state, one.what, one.expected, one.found, one.note) for one in listed]
    headings = ("state", "what", "expected", "found", "note")
    return Group(table_of(headings, rows, outcome="state"), Text(summary(checks)))


def summary(checks: Sequence[Check]) -> str:
    """How many checks have each state, and what that means."""
    count = {state: sum(check.state == state for check in checks) for state in STATES}
    counts = ", ".join(f"{n} {state}" for state, n in count.items() if n)
    if count["wrong"]:
        return (
            f"{counts}. What is wrong here makes every score wrong: compare no number with a paper."
        )
    if count["differs"]:
        return f"{counts}. The measuring is right; the images differ from those of the literature."
    return f"{counts}. The measuring is right."


def explained(found: Explained) -> RenderableType:
    """The table of slips, and which of them explain a number."""
    digits = 5 if found.metric == "ssim_y" else 3
    unit = " dB" if found.metric == "psnr_y" else ""
    rows = [
        (
            slip.says[0] if slip.says else f"right: {found.protocol}",
            f"{slip.score:.{digits}f}",
            f"{slip.change:+.{digits}f}" if slip.says else "",
        )
        for slip in found.slips
        if len(slip.says) < 2
    ]
    headings = ("instead of the field's protocol", found.metric, "change")
    lines: list[RenderableType] = [
        Text(f"{found.model} on {found.data} at x{found.scale}, measured here"),
        table_of(headings, rows, right=headings[1:]),
    ]
    if found.gap is not None:
        lines.append(Text(f"{found.asks}: {found.gap:+.{digits}f}{unit}", style="bold"))
        lines += [
            Text(f"  {' and '.join(slip.says)}: {slip.change:+.{digits}f}{unit}")
            for slip in found.explanations
        ]
        if not found.explanations:
            lines.append(Text("  no slip of the table, and no two of them, explains it"))
    return Group(*lines)
