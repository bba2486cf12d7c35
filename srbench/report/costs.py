"""The table of costs: parameters (dead ones too), MACs, latency, memory, training time."""

from __future__ import annotations

from functools import lru_cache

from srbench.analysis.dead_parameters import (
    costs_heading,
    dead_parameter_notes,
    variants_with_dead_parameters,
)
from srbench.analysis.latency import Timing, latency_text, timings
from srbench.analysis.ranking import known_or_mark, mean_of, why_missing
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import by_variant, number, text, trained
from srbench.core.table import Column, Mark, Table, Value
from srbench.report.dead_parameters import dead_parameter_table
from srbench.report.latency import latency_shown
from srbench.report.section import Section

WHOLE = Mark("whole", "every output pixel depends on the whole image")
UNMEASURED = Mark("not measured", "peak memory is measured on CUDA devices only")
LATENCY = (
    Column("latency_ms", "latency", "ms", "measure", note="median; random weights, see latency"),
    Column("latency_ratio", "latency ratio", "", "number", 3, "to the baseline, by round"),
    Column("latency_low", "95 % from", "", "number", 3, "of the latency ratio"),
    Column("latency_high", "95 % to", "", "number", 3, "of the latency ratio"),
)


@lru_cache(maxsize=8)
def cost_shown(results: Results) -> Table:
    """What each trained variant costs; dead parameters are those no output can reach."""
    planned = by_variant(results)
    rows: list[tuple[Value, ...]] = []
    table = results.variants.set_index("variant")
    times = {timing.variant: timing for timing in timings(results, "latency")}
    for name in trained(results):
        row = table.loc[name]
        seconds = mean_of([c.train_seconds for c in planned[name]])
        rows.append(
            (
                name,
                known_or_mark(number(row["parameters"])),
                known_or_mark(number(row["frozen"])),
                known_or_mark(number(row["dead"])),
                known_or_mark(number(row["macs_720p"]) / 1e9),
                known_or_mark(number(row["macs_256"]) / 1e9),
                known_or_mark(number(row["activations"]) / 1e6),
                _else(number(row["receptive_field"]), WHOLE),
                *(_latency(times.get(name)) if times else ()),
                _else(mean_of([c.peak_memory_mb for c in planned[name]]), UNMEASURED),
                seconds if seconds == seconds else why_missing(planned[name]),
                modules(row["dead_modules"]),
                modules(row["uncounted"]),
            )
        )
    columns = (
        Column("variant", "variant"),
        Column("parameters", "parameters", kind="count"),
        Column("frozen", "frozen", kind="count"),
        Column("dead", "dead", kind="count", note="parameters that no output can reach"),
        Column("macs_720p_g", "MACs, HR 1280\u00d7720", "G", "number", 2),
        Column("macs_256_g", "MACs, LR 256\u00d7256", "G", "number", 2),
        Column("activations_m", "activations", "M", "number", 2),
        Column("receptive_field", "receptive field", "px", "count"),
        *(LATENCY if times else ()),
        Column("peak_memory_mb", "peak memory", "MB", "number", 0),
        Column(
            "train_seconds",
            "training",
            "s",
            "number",
            1,
            "with other runs on the same machine: time spent, not the speed of the network",
        ),
        Column("dead_modules", "dead modules", long=True),
        Column("uncounted", "operations not counted", long=True),
    )
    return Table("costs", "Costs of the trained variants", columns, tuple(rows))


def _latency(found: Timing | None) -> tuple[Value, ...]:
    """ms, and the ratio to the baseline with its interval."""
    if found is None:
        return (Mark("not timed", "srbench latency has not timed it"),) * 4
    exact = Mark("exact", "the baseline's own network")
    none = Mark("no interval", "fewer than 20 rounds")
    is_base = found.word in ("baseline", "same network")
    ends = (found.ratio.low, found.ratio.high)
    return (
        float(f"{found.spread.median:.4g}"),
        found.ratio.value,
        *(exact if is_base else none if x != x else x for x in ends),
    )


def _else(value: float, mark: Mark) -> Value:
    return value if value == value else mark


def modules(value: object) -> str:
    """A list of module paths, from a list or from its JSON or comma text."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return text(value).strip("[]").replace('"', "").replace("'", "")


def section(results: Results) -> Section:
    """Counts, dead parameters, and times where there are any."""
    dead = (dead_parameter_table(results),) if variants_with_dead_parameters(results) else ()
    return Section(
        "costs",
        "Costs, dead parameters",
        costs_heading(results),
        (cost_shown(results), *dead, latency_shown(results)),
        template="section_costs.html",
        shows={
            "dead_parameter_notes": dead_parameter_notes(results),
            "latency_text": latency_text(results),
        },
    )
