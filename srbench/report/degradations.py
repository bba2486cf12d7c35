"""The degradation matrices as coloured tables, and as rows for CSV."""

from __future__ import annotations

from srbench.analysis.degradation_matrix import (
    Entry,
    Matrix,
    matrices,
    matrix_decimals,
    matrix_heading,
)
from srbench.analysis.results import Results
from srbench.core.numbers import shown
from srbench.core.table import Column, Mark, Table, Value, in_unit, limits
from srbench.report.section import Section
from srbench.report.where import Tile


def matrix_tiles(matrix: Matrix, results: Results) -> list[tuple[str, str, list[Tile | None]]]:
    """Rows for the page: variant, what it was trained on, and a tile a test degradation."""
    d, unit = matrix_decimals(results), results.facts.unit
    scale = results.facts.sign / matrix.strongest(results.facts.min_effect)
    return [
        (variant, trained_on,
         [_tile(matrix.entries[variant, name], f"{variant}, tested on {tested_on}", scale, d, unit)
          for name, tested_on in matrix.columns])
        for variant, trained_on in matrix.rows
    ]  # fmt: skip


def matrix_shown(results: Results) -> Table:
    """Every cell of every matrix as a row, for CSV and LaTeX."""
    unit, d = results.facts.unit, matrix_decimals(results)
    rows: list[tuple[Value, ...]] = []
    for matrix in matrices(results):
        for variant, trained_on in matrix.rows:
            for name, tested_on in matrix.columns:
                entry = matrix.entries[variant, name]
                missing = Mark("missing", "not scored")
                mean = entry.score.mean
                half = entry.score.half
                few = Mark("one seed", "an interval needs at least two seeds")
                line = (matrix.images, variant, trained_on, tested_on)
                scored = (
                    mean if mean == mean else missing,
                    half if half == half else few if mean == mean else missing,
                )
                rows.append((*line, *scored, *_gap_values(entry), entry.score.count))
    name = results.facts.heading()
    columns = (
        Column("images", "images"),
        Column("variant", "variant"),
        Column("trained_on", "trained on"),
        Column("tested_on", "tested on"),
        in_unit(results.facts.metric, name, unit, d, "number"),
        in_unit("half", f"{name} \u00b1", unit, d, "number"),
        in_unit("gap", "gap to the diagonal", unit, d),
        *limits(unit, d, "gap_"),
        Column("seeds", "seeds", kind="count"),
    )
    caption = f"{name} by training and test degradation; {results.facts.protocol}"
    return Table("degradations", caption, columns, tuple(rows))


def _gap_values(entry: Entry) -> tuple[Value, Value, Value]:
    if entry.own:
        mark: Value = Mark("diagonal", "trained on what it is tested on")
    elif entry.gap is None:
        mark = Mark("no diagonal", "no variant was trained on this degradation")
    elif not entry.gap.count:
        mark = Mark("no pair", "no seed that both have finished")
    elif entry.gap.count < 2:
        few = Mark("one seed", "an interval needs at least two seeds")
        return entry.gap.mean, few, few
    else:
        return entry.gap.mean, entry.gap.low, entry.gap.high
    return mark, mark, mark


def _tile(entry: Entry, where: str, scale: float, d: int, unit: str) -> Tile | None:
    if not entry.score.count:
        return None
    text, gap = shown(entry.score.mean, d), entry.gap
    start = f"{where}: {text} {unit}".strip()
    if gap is None or not gap.count:
        under = "" if entry.own else "no diagonal"
        says = "trained on it" if entry.own else "no variant was trained on it"
        return Tile(text, entry.score.mean, 0, False, under, f"{start}, {says}")
    limits = f", 95 % {shown(gap.low, d)} to {shown(gap.high, d)}" if gap.count > 1 else ""
    lost = shown(gap.mean, d, signed=True)
    share = round(100 * scale * gap.mean)
    return Tile(
        text, entry.score.mean, share, gap.excludes_zero, lost,
        f"{start}, {lost} {unit} against the diagonal{limits}",
    )  # fmt: skip


def section(results: Results) -> Section:
    """Every matrix of training against test degradations."""
    found = matrices(results)
    return Section(
        "degradations",
        "Degradations",
        matrix_heading(results) if found else "",
        (matrix_shown(results),),
        template="section_degradations.html",
        shows={"matrices": [(matrix, matrix_tiles(matrix, results)) for matrix in found]},
    )
