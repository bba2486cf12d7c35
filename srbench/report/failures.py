"""The tables of runs: every planned one, and those that gave no score."""

from __future__ import annotations

from functools import lru_cache

from srbench.analysis.answer import failures_heading
from srbench.analysis.ranking import effect_decimals, known_or_mark, why_missing
from srbench.analysis.results import Results
from srbench.analysis.run_matrix import cells, number, text
from srbench.core.table import Column, Mark, Table, Value, in_unit
from srbench.report.section import Section


@lru_cache(maxsize=8)
def run_shown(results: Results) -> Table:
    """Every planned run: what became of it and where it ran."""
    facts, d = results.facts, effect_decimals(results)
    records = results.runs.sort_values("attempt").to_dict("records")
    known = {(str(row["variant"]), int(row["seed"])): row for row in records}
    rows: list[tuple[Value, ...]] = []
    for cell in cells(results):
        row = known.get((cell.variant, cell.seed), {})
        rows.append(
            (
                cell.variant,
                cell.seed,
                cell.run_id if cell.run_id is not None else Mark("missing", cell.message),
                int(number(row.get("attempt"))) if cell.run_id is not None else Mark("missing"),
                cell.state + (" (stale)" if cell.stale else ""),
                cell.reason,
                cell.message,
                cell.score if cell.score == cell.score else why_missing([cell]),
                known_or_mark(number(row.get("steps"))),
                known_or_mark(cell.train_seconds),
                text(row.get("device")),
                text(row.get("numerics")),
                text(row.get("git_commit"))[:10],
            )
        )
    columns = (
        Column("variant", "variant"),
        Column("seed", "seed", kind="count"),
        Column("run_id", "run", kind="count"),
        Column("attempt", "attempt", kind="count"),
        Column("state", "state"),
        Column("reason", "reason"),
        Column("message", "message"),
        in_unit(facts.metric, facts.heading(), facts.unit, d, "number"),
        Column("steps", "steps", kind="count"),
        Column("train_seconds", "training", "s", "number", 1),
        Column("device", "device"),
        Column("numerics", "numerics"),
        Column("git_commit", "commit"),
    )
    return Table("runs", "Every planned run", columns, tuple(rows))


def failures_shown(results: Results) -> Table:
    """The planned runs that gave no score, with the reason of each."""
    rows: list[tuple[Value, ...]] = [
        (c.variant, c.seed, c.lacks, c.reason, c.message)
        for c in cells(results)
        if c.score != c.score
    ]
    columns = (
        Column("variant", "variant"),
        Column("seed", "seed", kind="count"),
        Column("state", "state"),
        Column("reason", "reason"),
        Column("message", "message"),
    )
    return Table("failures", "Planned runs without a score", columns, tuple(rows))


def section(results: Results) -> Section:
    """The runs without a score, and every planned run."""
    return Section(
        "failures",
        "Failures and runs",
        failures_heading(results),
        (failures_shown(results), run_shown(results)),
        template="section_failures.html",
    )
