"""A latency pass on a terminal of 80 columns: every name and number of it can be read."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from srbench.cli.measured import passes_listed

LONG = "full_v2_se_res_bilinear_V2_group4"


def row(variant: str, ms: float, ratio: float, word: str) -> dict[str, Any]:
    return {
        "variant": variant, "timed_as": variant, "median_ms": ms, "p10_ms": ms, "p90_ms": ms,
        "first_ms": ms, "word": word,
        "ratio": {"value": ratio, "low": ratio - 0.05, "high": ratio + 0.05},
    }  # fmt: skip


def test_nothing_of_a_pass_is_cut_off_on_80_columns() -> None:
    found = {
        "quantity": "step_time", "baseline": "full", "lr_size": (64, 64), "threads": 1, "batch": 6,
        "device": "cpu", "scale": 2, "precision": "fp32", "memory_format": "contiguous",
        "mode": "eager", "rounds": 20, "seconds": 753.0, "quiet": False, "resolution": 0.098,
        "control": {"value": 0.97, "low": 0.902, "high": 1.043, "rounds": 20},
        "warnings": ["the machine was busy"],
        "variants": [
            row("full", 2147.3, 1.0, ""),
            row(LONG, 4140.0, 1.951, "slower"),
            row("atrous", 12.345, 0.982, "same"),
        ],
    }  # fmt: skip
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(passes_listed([found]))
    shown = out.getvalue()
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    assert LONG in "".join(line.split("  ")[0].strip() for line in shown.splitlines())
    for part in (
        "2,150",
        "4,140",
        "12.3",
        "1.901 to 2.001",
        "slower",
        "below 9.8\N{NO-BREAK SPACE}% is",
    ):
        assert part in shown
