"""A latency pass on the terminal: ratios to the baseline, the setting, A/A noise, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from srbench.analysis.latency import control_text, percent
from srbench.analysis.latency_ratios import Ratio
from srbench.core.numbers import plural
from srbench.core.rich_table import table_of

HEADINGS = ("variant", "ms", "p10", "p90", "first", "ratio", "95 % interval", "")


def passes_listed(found: Sequence[dict[str, Any]]) -> RenderableType:
    """Every pass for people, from what `--json` prints."""
    return Group(*(part for one in found for part in _pass(one)))


def _pass(one: dict[str, Any]) -> list[RenderableType]:
    rows = [_row(row, one) for row in one["variants"]]
    table = table_of(HEADINGS, rows, right=HEADINGS[1:-1])
    return [table, *_setting(one)]


def _row(row: dict[str, Any], one: dict[str, Any]) -> list[str]:
    ratio, base = row["ratio"], row["variant"] == one["baseline"]
    same = row["timed_as"] != row["variant"]
    word = row["word"] + f" within {percent(Ratio(**one['control']))}" * (row["word"] == "same")
    return [
        row["variant"] + " *" * base,
        *(_ms(row[key]) for key in ("median_ms", "p10_ms", "p90_ms", "first_ms")),
        f"{ratio['value']:.3f}",
        "" if base or same else f"{ratio['low']:.3f} to {ratio['high']:.3f}",
        f"same network as {row['timed_as']}" if same else "" if base else word,
    ]


def _setting(one: dict[str, Any]) -> list[RenderableType]:
    """What was timed and how, the control, and warnings."""
    height, width = one["lr_size"]
    what = "A training step" if one["quantity"] == "step_time" else "A forward pass"
    threads = f", {plural(one['threads'], 'thread')}" * (one["device"] == "cpu")
    setting = (
        f"{what} of {plural(one['batch'], 'LR image')} of {width}x{height} at x{one['scale']} "
        f"on {one['device']}, "
        f"{one['precision']}, {one['memory_format'].replace('_', ' ')}, {one['mode']}{threads}; "
        f"random weights. {one['rounds']} rounds in {one['seconds']:.0f} s; * baseline."
    )
    lines: list[RenderableType] = [Text(setting, style="dim")]
    text = control_text(Ratio(**one["control"]), one["baseline"])
    lines.append(Text(text, style="dim" if one["quiet"] else "yellow"))
    lines += [Text(f"{text[:1].upper()}{text[1:]}.", style="yellow") for text in one["warnings"]]
    return lines


def _ms(value: float) -> str:
    """Three digits: 0.0123, 12.3, 2,150."""
    return f"{value:.3g}" if value < 100 else f"{float(f'{value:.3g}'):,.0f}"
