"""A latency pass as words: a table of ratios, what the machine can resolve, and what it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from srbench.analysis.latency_ratios import QUIET


def passes_listed(found: Sequence[dict[str, Any]]) -> RenderableType:
    """Every pass for people, from what `--json` prints."""
    return Group(*(part for one in found for part in _pass(one)))


def _pass(one: dict[str, Any]) -> list[RenderableType]:
    step = one["quantity"] == "step_time"
    rows = Table(box=None, padding=(0, 1), header_style="bold")
    rows.add_column("variant", overflow="fold", min_width=14)
    for heading in ("ms", "p10", "p90", "first", "ratio", "95 % interval"):
        rows.add_column(heading, justify="right", no_wrap=True)
    rows.add_column(min_width=10)
    for row in one["variants"]:
        ratio, base = row["ratio"], row["variant"] == one["baseline"]
        same = row["timed_as"] != row["variant"]
        told = row["word"] + f" within {_percent(one)}" * (row["word"] == "same")
        word = f"same network as {row['timed_as']}" if same else "" if base else told
        interval = f"{ratio['low']:.3f} to {ratio['high']:.3f}"
        rows.add_row(
            Text(row["variant"] + (" *" if base else "")),
            *(_ms(row[key]) for key in ("median_ms", "p10_ms", "p90_ms", "first_ms")),
            f"{ratio['value']:.3f}",
            "" if base or same else interval,
            word,
        )
    height, width = one["lr_size"]
    what = "A training step" if step else "A forward pass"
    threads = f", {one['threads']} thread{'s' * (one['threads'] > 1)}" * (one["device"] == "cpu")
    setting = (
        f"{what} of {one['batch']}x3x{height}x{width} at x{one['scale']} on {one['device']}, "
        f"{one['precision']}, {one['memory_format'].replace('_', ' ')}, {one['mode']}{threads}; "
        f"random weights. {one['rounds']} rounds in {one['seconds']:.0f} s; * baseline."
    )
    lines: list[RenderableType] = [Text(setting, style="dim")]
    if one["quiet"]:
        control = "{value:.3f} ({low:.3f} to {high:.3f})".format(**one["control"])
        said = (
            f"The baseline against itself: {control}; differences above {_percent(one)} are told."
        )
        lines.append(Text(said, style="dim"))
    lines += [Text(f"{said[:1].upper()}{said[1:]}.", style="yellow") for said in one["warnings"]]
    return [rows, *lines]


def _ms(value: float) -> str:
    """Three digits: 0.0123, 12.3, 2,150."""
    return f"{value:.3g}" if value < 100 else f"{float(f'{value:.3g}'):,.0f}"


def _percent(one: dict[str, Any]) -> str:
    """What the pass can tell: what its control was off, and never less than 1 %."""
    return f"{100 * max(one['resolution'], QUIET):.2g} %"
