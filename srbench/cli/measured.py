"""What scores, cosines, verify and latency measured, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from srbench.analysis.latency import control_text, percent
from srbench.analysis.latency_ratios import Ratio
from srbench.core.numbers import listed, plural
from srbench.core.rich_table import rich_table, table_of
from srbench.core.table import Column, Table

if TYPE_CHECKING:  # torch, which these lists do without
    from srbench.apply.oracles import Check
    from srbench.apply.scored import Scored
    from srbench.apply.slips import Explained

STATES = ("right", "wrong", "differs", "skipped")
HEADINGS = ("variant", "ms", "p10", "p90", "first", "ratio", "95 % interval", "")


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
