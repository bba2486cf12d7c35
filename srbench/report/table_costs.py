"""The table of costs: parameters (dead ones too), MACs, memory, training time."""

from __future__ import annotations

from functools import lru_cache

from srbench.report.cells import number, text, trained
from srbench.report.ranking import by_variant, known_or_mark, mean_of, why_wanting
from srbench.report.shown import Column, Mark, Table, Value
from srbench.results import Results

WHOLE = Mark("whole", "every output pixel depends on the whole image")
UNMEASURED = Mark("not measured", "peak memory is measured on CUDA devices only")


@lru_cache(maxsize=8)
def cost_shown(results: Results) -> Table:
    """What each trained variant costs; dead parameters are those no output can reach."""
    planned = by_variant(results)
    rows: list[tuple[Value, ...]] = []
    table = results.variants.set_index("variant")
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
                _else(mean_of([c.peak_memory_mb for c in planned[name]]), UNMEASURED),
                seconds if seconds == seconds else why_wanting(planned[name]),
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
        Column("peak_memory_mb", "peak memory", "MB", "number", 0),
        Column(
            "train_seconds",
            "training",
            "s",
            "number",
            1,
            "beside other runs on the same machine: what it took, not how fast the network is",
        ),
        Column("dead_modules", "dead modules"),
        Column("uncounted", "operations not counted"),
    )
    return Table("costs", "Costs of the trained variants", columns, tuple(rows))


def _else(value: float, mark: Mark) -> Value:
    return value if value == value else mark


def modules(value: object) -> str:
    """A list of module paths, from a list or from its JSON or comma text."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return text(value).strip("[]").replace('"', "").replace("'", "")
