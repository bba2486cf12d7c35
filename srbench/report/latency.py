"""The table of times: every variant under every setting that was timed."""

from __future__ import annotations

from srbench.analysis.latency import QUANTITIES, Timing, passes_taken, under
from srbench.analysis.results import Results
from srbench.core.table import Column, Mark, Table, Value


def latency_shown(results: Results) -> Table:
    """Every variant under every setting that was timed."""
    rows: list[tuple[Value, ...]] = []
    keys = dict.fromkeys(one.key for one in passes_taken(results))
    for key in sorted(keys, key=lambda key: list(QUANTITIES).index(key[0])):  # stable: newest first
        rows += [_row(timing) for timing in under(results, key)]
    columns = (
        Column("variant", "variant"),
        Column("time_of", "time of"),
        Column("ms", "median", "ms", "measure"),
        Column("p10_ms", "p10", "ms", "measure"),
        Column("p90_ms", "p90", "ms", "measure"),
        Column("first_ms", "first call", "ms", "measure"),
        Column("ratio", "ratio", "", "number", 3, "median of ratios to the baseline by round"),
        Column("low", "95 % from", "", "number", 3, "percentile bootstrap over rounds"),
        Column("high", "95 % to", "", "number", 3, "percentile bootstrap over rounds"),
        Column("word", "against the baseline", note="compared with the A/A noise of the control"),
        Column("rounds", "rounds", kind="count"),
        Column("control_off_percent", "A/A noise", "%", "number", 1,
               "of the control: smaller differences are not resolved"),
        Column("input", "input"),
        Column("precision", "precision"),
        Column("memory_format", "memory"),
        Column("mode", "mode"),
        Column("threads", "threads", kind="count"),
        Column("device", "device"),
        Column("measured", "measured"),
    )  # fmt: skip
    return Table("latency", "Times against the baseline", columns, tuple(rows))


def _row(found: Timing) -> tuple[Value, ...]:
    r, none = found.ratio, Mark("none", "exact, or fewer than 20 rounds")
    exact = found.word in ("baseline", "same network")
    off = found.taken.control.noise
    return (
        found.variant,
        QUANTITIES[found.taken.row["quantity"]],
        *(float(f"{x:.4g}") for x in (found.spread.median, found.spread.p10, found.spread.p90)),
        float(f"{found.first_ms:.4g}"),
        r.value,
        *(none if exact or x != x else x for x in (r.low, r.high)),
        found.word,
        r.rounds,
        100 * off if off < float("inf") else Mark("none", "fewer than 20 rounds"),
        found.taken.input,
        *(str(found.taken.row[name]) for name in ("precision", "memory_format", "mode")),
        int(found.taken.row["threads"]),
        str(found.taken.row["device"]),
        str(found.taken.row["measured"])[:10],
    )
